"""Which queued jobs are first in line: a queue has a line for each principal and pool."""

import uuid
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from store.clock import from_now
from store.states import ENDED
from store.tables import Job


class First(NamedTuple):
    """The oldest job that waits in a line."""

    job_id: uuid.UUID
    principal_id: uuid.UUID | None
    pool_id: uuid.UUID | None


def firsts(session: Session, rung_for: uuid.UUID) -> list[First]:
    """The first job of each line in the queue of the job that was rung for, oldest first.

    A job that waits before another attempt is not in line yet, nor is an embed job that still gains photos;
    but the one that was rung for always is.
    """
    queue = select(Job.queue).where(Job.id == rung_for).scalar_subquery()
    is_in_line = or_(
        Job.id == rung_for,
        Job.ring_at <= from_now(0),
        Job.rings > 0,
        and_(Job.attempt == 0, Job.kind != "embed"),
    )
    line = (Job.principal_id, Job.pool_id)
    place = func.row_number().over(partition_by=line, order_by=Job.id)
    waiting = (
        select(Job.id, *line, place.label("place"))
        .where(Job.state == "queued", Job.queue == queue, is_in_line)
        .subquery()
    )
    found = select(waiting.c.id, waiting.c.principal_id, waiting.c.pool_id).where(waiting.c.place == 1)
    return [First(*row) for row in session.execute(found.order_by(waiting.c.id))]


def unfinished(session: Session, principal_id: uuid.UUID | None, kind: str | None = None) -> int:
    """The number of a principal's jobs, or of those of this kind, that are queued or running.

    Embed jobs do not count: they follow from uploads.
    """
    is_one = and_(Job.principal_id == principal_id, Job.state.not_in(ENDED), Job.kind != "embed")
    query = select(func.count()).where(is_one)
    return session.scalar(query if kind is None else query.where(Job.kind == kind)) or 0
