"""The parts of archives that have arrived, and the rows of a pool whose parts are all there."""

import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store import references
from store.archives import MOVED, Part, Record
from store.chunks import rows_where_in
from store.clock import from_now
from store.tables import ArchivePart, Row

ARCHIVE = "archive"
"""The kind of the records themselves, whose digest is the archive's."""
KEPT_S = 7 * 24 * 3600.0
"""The time after which the parts of an archive whose pool never came are forgotten."""
ROWS_A_WRITE = 500


def add(session: Session, archive: str, part: Part, facts: dict[str, Any]) -> None:
    """Record that a part is there. A part that has arrived twice was checked twice, with the same result."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"archive": archive, "kind": part.kind, "sha256": part.sha256, "facts": facts}
    session.execute(dialect.insert(ArchivePart).on_conflict_do_nothing(), [row])


def archive(session: Session, digest: str) -> ArchivePart | None:
    """The records of an archive; None if they have not arrived."""
    return session.get(ArchivePart, (digest, ARCHIVE, digest))


def arrived(session: Session, archive: str) -> dict[Part, dict[str, Any]]:
    """What the checks found about each part that has arrived."""
    query = select(ArchivePart.kind, ArchivePart.sha256, ArchivePart.facts)
    rows = session.execute(query.where(ArchivePart.archive == archive, ArchivePart.kind != ARCHIVE))
    return {Part(kind, sha256): facts for kind, sha256, facts in rows}


def close(session: Session, archive: str, pool_id: uuid.UUID) -> None:
    """Forget the parts of an archive whose pool is there now; its records say which pool that is."""
    session.execute(delete(ArchivePart).where(ArchivePart.archive == archive, ArchivePart.kind != ARCHIVE))
    found = session.get_one(ArchivePart, (archive, ARCHIVE, archive))
    found.facts = {**found.facts, "pool_id": str(pool_id)}
    session.flush()


def forget_abandoned(session: Session) -> None:
    """Forget the archives of which nothing has arrived for KEPT_S, and have their blobs removed."""
    recent = (
        select(ArchivePart.archive)
        .group_by(ArchivePart.archive)
        .having(func.max(ArchivePart.created_at) > from_now(-KEPT_S))
    )
    abandoned = ArchivePart.archive.not_in(recent)
    references.leave(session, session.scalars(select(ArchivePart.sha256).where(abandoned)).all())
    session.execute(delete(ArchivePart).where(abandoned))


def insert_rows(session: Session, records: Iterable[Record]) -> None:
    """Add the rows, in their order. Raises IntegrityError if an id or a name is taken."""
    for (table, _), alike in groupby(records, lambda record: (record.table, record.row.keys())):
        for batch in _batches(record.row for record in alike):
            session.execute(insert(table), batch)


def known(session: Session, ids: Iterable[uuid.UUID]) -> Iterator[uuid.UUID]:
    """Those of the ids that are the ids of rows of any pool."""
    wanted = list(ids)
    for table in MOVED:
        if issubclass(table, Row):
            yield from (row.id for row in rows_where_in(session, select(table.id), table.id, wanted))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_A_WRITE:
            yield batch
            batch = []
    if batch:
        yield batch
