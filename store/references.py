"""Which blobs the rows name, and the removal of those that none names."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Select, delete, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

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
        if isinstance(row, Explanation):
            found |= set(of_result(row.files))
    return found


def remove_leaving(session: Session, blobs: Blobs) -> bool:
    """Remove some of the blobs that may leave, except those that a row names. Returns whether that was all
    that can be removed now: while a backup is made, no blob is.

    Nobody else may write in the meantime (`Database.alone`): who adds a row afterwards sees whether its blob
    is there.
    """
    with blobs.removable() as allowed:
        if not allowed:
            return True
        waiting = session.scalars(select(Leaving.sha256).limit(VALUES_A_QUERY)).all()
        for digest in set(waiting) - named(session, waiting):
            blobs.remove(digest)
    session.execute(delete(Leaving).where(Leaving.sha256.in_(waiting)))
    return session.scalar(select(Leaving.sha256).limit(1)) is None


def named(session: Session, digests: Sequence[str]) -> set[str]:
    """Those of the blobs that a row names. At most `VALUES_A_QUERY`."""
    return in_columns(session, digests) | (in_documents(session) & set(digests) if digests else set())


def in_columns(session: Session, digests: Sequence[str]) -> set[str]:
    """Those of the blobs that a column names. At most `VALUES_A_QUERY`."""
    queries = [select(column).where(column.in_(digests)) for column in _columns()]
    return {digest for query in queries for digest in session.scalars(query)}


def all_named(session: Session) -> dict[str, str]:
    """Every blob that a row names, with the name of a table that does."""
    found: dict[str, str] = {}
    for kind, spec, result in session.execute(_documents_of_jobs(Job.kind)):
        sent = [spec["sha256"]] if kind == "translate" else []
        found |= dict.fromkeys([*sent, *of_result(result or {})], "outputs of jobs")
    for files in session.scalars(select(Explanation.files)):
        found |= dict.fromkeys(of_result(files), "explanations")
    for column in _columns():
        query = select(column).where(column.is_not(None)).distinct()
        found |= dict.fromkeys(session.scalars(query), column.table.name.replace("_", " "))
    return found


def of_result(result: dict[str, Any]) -> list[str]:
    """The blobs that the result of a job names: each is an object with its `sha256`."""
    return [value["sha256"] for value in result.values() if isinstance(value, dict) and "sha256" in value]


def _documents_of_jobs(*also: InstrumentedAttribute[Any]) -> Select[Any]:
    """What jobs were ordered with, and their results, of the kinds that may name blobs in them."""
    query = select(*also, Job.spec, Job.result)
    return query.where(Job.kind.not_in(("embed", "select", "train", "evaluate", "doctor"))).execution_options(
        yield_per=VALUES_A_QUERY
    )


def _columns() -> Iterator[Column[str]]:
    for table in Base.metadata.sorted_tables:
        if table.name != Leaving.__tablename__:
            yield from (column for column in table.columns if column.name.endswith("sha256"))


def in_documents(session: Session) -> set[str]:
    """The blobs that jobs and explanations name: what they were ordered with, and their results."""
    found: set[str] = set()
    for spec, result in session.execute(_documents_of_jobs()):
        found |= digests_in(spec, result)
    for files in session.scalars(select(Explanation.files)):
        found |= digests_in(files)
    return found
