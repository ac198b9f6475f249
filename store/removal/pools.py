"""Remove all rows of a pool but its own, which keeps its events."""

import uuid
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from store import events
from store.references import digests_in, leave
from store.tables import Base, Event, Explanation, Job, Pool

KEPT = ("pools", "events", "leaving")


def remove_pool(session: Session, pool: Pool, current_job: uuid.UUID) -> None:
    """Remove everything in the pool but the job that does so."""
    leave(session, set(_digests(session, pool.id)))
    for table in reversed(Base.metadata.sorted_tables):
        if (condition := _of_pool(table, pool.id)) is not None and table.name not in KEPT:
            others = [table.c.id != current_job] if table.name == "jobs" else []
            session.execute(delete(table).where(condition, *others))
    session.execute(update(Event).where(Event.pool_id == pool.id).values(details={}))
    pool.name, pool.class_table, pool.removed = f"removed {pool.id}", None, True
    pool.label_mapping = None
    events.add(session, pool.id, "removed", "pool", pool.id)


def exports(session: Session, pool_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """The names under which exports of the pool are held, by their jobs."""
    query = select(Job).where(Job.pool_id == pool_id, Job.kind == "pack", Job.state == "succeeded")
    return {job.id: job.result["held"] for job in session.scalars(query) if job.result}


def jobs_and_models(session: Session, pool_id: uuid.UUID) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The ids of all jobs and models of a pool."""
    tables = Base.metadata.tables
    found = (
        list(session.scalars(select(tables[name].c.id).where(tables[name].c.pool_id == pool_id)))
        for name in ("jobs", "models")
    )
    jobs, models = found
    return jobs, models


def _digests(session: Session, pool_id: uuid.UUID) -> Iterator[str]:
    """All blobs that rows of the pool name."""
    for table in Base.metadata.sorted_tables:
        if (condition := _of_pool(table, pool_id)) is None:
            continue
        for column in table.columns:
            if column.name.endswith("sha256"):
                yield from filter(None, session.scalars(select(column).where(condition)))
    for spec, result in session.execute(select(Job.spec, Job.result).where(Job.pool_id == pool_id)):
        yield from digests_in(spec, result)
    files = select(Explanation.files).join(Job, Job.id == Explanation.job_id).where(Job.pool_id == pool_id)
    for file in session.scalars(files):
        yield from digests_in(file)


def _of_pool(table: Table, pool_id: uuid.UUID) -> ColumnElement[bool] | None:
    """Whether a row of the table belongs to the pool, by its own column or by a row that it refers to."""
    if "pool_id" in table.c:
        return table.c.pool_id == pool_id
    owners = [
        (key.parent, key.column.table)
        for key in table.foreign_keys
        if key.column.table is not table and not key.parent.nullable
    ]
    conditions = [
        column.in_(select(owner.c.id).where(condition))
        for column, owner in owners
        if (condition := _of_pool(owner, pool_id)) is not None
    ]
    return or_(*conditions) if conditions else None
