"""What was deleted: until when it can be taken back, and the jobs that remove it for good."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session, aliased

from store import assignments, events, jobs
from store.clock import from_now
from store.events import Kind
from store.settings import Settings
from store.states import ENDED
from store.tables import Image, Job, LabelMap, Model, Pool, Selection

Rows = Image | LabelMap | Selection | Model | Job | Pool

TABLES: Mapping[Kind, type[Any]] = {
    "image": Image,
    "label_map": LabelMap,
    "selection": Selection,
    "model": Model,
    "job": Job,
    "pool": Pool,
}
"""The tables of what can be deleted, in the order in which they are removed."""


def pool_of(row: Rows) -> uuid.UUID | None:
    return row.id if isinstance(row, Pool) else row.pool_id


def delete(session: Session, kind: Kind, row: Rows, keep_s: float) -> None:
    """Delete a row; it can be taken back for `keep_s` seconds. If it is deleted already, the earlier of the
    two ends counts.
    """
    gone_at = _moment(session, keep_s)
    if row.gone_at is None:
        events.add(session, pool_of(row), "deleted", kind, row.id, name=getattr(row, "name", None))
        assignments.end(session, row.id)
        if isinstance(row, Selection):  # the same question gets a new answer
            jobs.release_idempotency_key(session, row.job_id)
    if row.gone_at is None or gone_at < row.gone_at:
        row.gone_at = gone_at
    session.flush()


def undelete(session: Session, kind: Kind, row: Rows) -> bool:
    """Take a deletion back. Returns False if it is too late."""
    if row.gone_at is None:
        return True
    if row.gone_at <= _moment(session, 0):
        return False
    row.gone_at = None
    events.add(session, pool_of(row), "undeleted", kind, row.id)
    return True


def due(session: Session, pool_id: uuid.UUID) -> list[tuple[Kind, uuid.UUID]]:
    """What is to be removed from a pool for good; of a pool that is to be removed, only the pool."""
    found: list[tuple[Kind, uuid.UUID]] = []
    for kind, table in TABLES.items():
        query = select(table.id).where(_pool_id(table) == pool_id, _is_due(table)).order_by(table.id)
        found += [(kind, id) for id in session.scalars(query)]
    return [one for one in found if one[0] == "pool"] or found


def order(session: Session, settings: Settings) -> list[Job]:
    """Create a job, to ring for after commit, for each pool from which something is to be removed."""
    earlier = aliased(Job)
    made = []
    for table in TABLES.values():
        pool_id = _pool_id(table)
        is_ordered = exists().where(
            earlier.pool_id == pool_id, earlier.kind == "delete", earlier.state.not_in(ENDED)
        )
        query = select(pool_id).where(_is_due(table), ~is_ordered).distinct()
        made += [
            jobs.create(session, settings, kind="delete", pool_id=pool_id, spec={})
            for pool_id in session.scalars(query).all()
        ]
    return made


def _pool_id(table: type[Any]) -> Any:
    return table.id if table is Pool else table.pool_id


def _is_due(table: type[Any]) -> ColumnElement[bool]:
    is_late: ColumnElement[bool] = table.gone_at <= from_now(0)
    return and_(is_late, ~Pool.removed) if table is Pool else is_late


def others_at_work(session: Session, pool_id: uuid.UUID) -> Sequence[Job]:
    """The pool's jobs that may hold copies of its photos: they run, or are trainings that have begun."""
    query = select(Job).where(
        Job.pool_id == pool_id,
        Job.kind != "delete",
        Job.state.not_in(ENDED),
        (Job.state == "running") | ((Job.kind == "train") & (Job.attempt > 0)),
    )
    return session.scalars(query.order_by(Job.id)).all()


def _moment(session: Session, in_s: float) -> datetime:
    return session.scalars(select(from_now(in_s))).one()
