"""How far jobs are, for those who watch them."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from store.chunks import rows_where_in
from store.states import ENDED
from store.tables import Job

Standing = Row[Any]
"""The columns of a job that change before its end, or with it: equal ones mean that nothing has changed."""


def standings(session: Session, job_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Standing]:
    """The standing of each of these jobs that is there, without `spec` and `result`, which may be large."""
    return {row[0]: row for row in rows_where_in(session, _columns(), Job.id, job_ids)}


def of_pool(
    session: Session, pool_id: uuid.UUID, also: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, Standing]:
    """The standings of the pool's jobs that have not ended, and of those of `also`."""
    query = _columns().where(Job.pool_id == pool_id, Job.kind != "deliver", Job.state.not_in(ENDED))
    return {**{row[0]: row for row in session.execute(query)}, **standings(session, also)}


def changed_since(session: Session, pool_id: uuid.UUID, since: datetime) -> Sequence[Job]:
    """The pool's jobs that have not ended, or have ended since, oldest first."""
    query = select(Job).where(Job.pool_id == pool_id, Job.kind != "deliver")
    return session.scalars(
        query.where(Job.state.not_in(ENDED) | (Job.finished_at >= since)).order_by(Job.id)
    ).all()


def _columns() -> Select[Any]:
    columns = (Job.id, Job.state, Job.attempt, Job.max_attempts, Job.done, Job.total, Job.started_at)
    return select(*columns, Job.cancel_requested, Job.finish_requested, Job.estimate, Job.error)
