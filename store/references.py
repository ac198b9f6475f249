"""Which blobs the rows name, and the removal of those that none names."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, delete, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.blobs import Blobs
from store.chunks import VALUES_A_QUERY, chunks
from store.tables import Base, Explanation, Job, Leaving

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def digests_in(*documents: object) -> set[str]:
    """Everything in values of JSON that may be a blob's name."""
    return {digest for document in documents for digest in DIGEST.findall(json.dumps(document))}


def leave(session: Session, digests: Iterable[str]) -> None:
    """Have blobs removed, after the commit, that the caller's transaction needs no more."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for chunk in chunks(sorted(set(digests)), VALUES_A_QUERY):
        rows = [{"sha256": digest} for digest in chunk]
        session.execute(dialect.insert(Leaving).on_conflict_do_nothing(), rows)


def of_rows(session: Session) -> set[str]:
    """The blobs that the rows name which this transaction has read or added."""
    found: set[str] = set()
    for row in session:
        state: Any = inspect(row)
        names = [column.name for column in state.mapper.columns if column.name.endswith("sha256")]
        found |= set(filter(None, (getattr(row, name) for name in names)))
    return found


def remove_leaving(session: Session, blobs: Blobs) -> bool:
    """Remove some of the blobs that may leave, except those that a row names. Returns whether that was all.

    Nobody else may write in the meantime (`Database.alone`): who adds a row afterwards sees whether its blob
    is there.
    """
    waiting = session.scalars(select(Leaving.sha256).limit(VALUES_A_QUERY)).all()
    for digest in set(waiting) - named(session, waiting):
        blobs.remove(digest)
    session.execute(delete(Leaving).where(Leaving.sha256.in_(waiting)))
    return session.scalar(select(Leaving.sha256).limit(1)) is None


def named(session: Session, digests: Iterable[str]) -> set[str]:
    """Those of the blobs that a row names. At most `VALUES_A_QUERY`."""
    asked = list(digests)
    queries = [select(column).where(column.in_(asked)) for column in _columns()]
    found = {digest for query in queries for digest in session.scalars(query)}
    return found | (_in_documents(session) & set(asked) if asked else set())


def _columns() -> Iterator[Column[str]]:
    for table in Base.metadata.sorted_tables:
        if table.name != Leaving.__tablename__:
            yield from (column for column in table.columns if column.name.endswith("sha256"))


def _in_documents(session: Session) -> set[str]:
    """The blobs that jobs and explanations name: what they were ordered with, and their results."""
    jobs = select(Job.spec, Job.result).where(Job.kind.not_in(("embed", "select", "train", "evaluate")))
    found: set[str] = set()
    for spec, result in session.execute(jobs.execution_options(yield_per=VALUES_A_QUERY)):
        found |= digests_in(spec, result)
    for files in session.scalars(select(Explanation.files)):
        found |= digests_in(files)
    return found
