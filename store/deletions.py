"""What was deleted: until when it can be taken back, and the jobs that remove it for good."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from store import assignments, events, jobs
from store.clock import from_now
from store.events import Kind
from store.settings import Settings
from store.states import ENDED
from store.tables import Image, Job

TABLES: Mapping[Kind, type[Image]] = {"image": Image}
"""The tables of what can be deleted, in the order in which they are removed."""

Rows = Image


def delete(session: Session, kind: Kind, row: Rows, keep_s: float) -> None:
    """Delete a row; it can be taken back for `keep_s` seconds. If it is deleted already, the earlier of the
    two ends counts.
    """
    gone_at = _moment(session, keep_s)
    if row.gone_at is None:
        events.add(session, row.pool_id, "deleted", kind, row.id, name=row.name)
        assignments.end(session, row.id)
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
    events.add(session, row.pool_id, "undeleted", kind, row.id)
    return True


def due(session: Session, pool_id: uuid.UUID) -> list[tuple[Kind, uuid.UUID]]:
    """What is to be removed from a pool for good."""
    return [
        (kind, id)
        for kind, table in TABLES.items()
        for id in session.scalars(
            select(table.id).where(table.pool_id == pool_id, table.gone_at <= from_now(0)).order_by(table.id)
        )
    ]


def order(session: Session, settings: Settings) -> list[Job]:
    """Create a job, to ring for after commit, for each pool from which something is to be removed."""
    earlier = aliased(Job)
    made = []
    for table in TABLES.values():
        is_ordered = exists().where(
            earlier.pool_id == table.pool_id, earlier.kind == "delete", earlier.state.not_in(ENDED)
        )
        query = select(table.pool_id).where(table.gone_at <= from_now(0), ~is_ordered).distinct()
        made += [
            jobs.create(session, settings, kind="delete", pool_id=pool_id, spec={})
            for pool_id in session.scalars(query).all()
        ]
    return made


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
