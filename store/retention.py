"""Ended jobs that are kept no longer, with their metrics and their outputs."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from store import job_parts
from store.chunks import VALUES_A_QUERY
from store.clock import from_now
from store.references import digests_in, leave
from store.states import ENDED
from store.tables import Base, Job

SUGGESTIONS_KEPT_S = 3600.0
"""How long suggestions are kept, of which there may be one for every stroke."""


def count_old_jobs(session: Session, keep_s: float) -> int:
    """The number of jobs that `remove_old_jobs` removes in the end."""
    return session.scalar(select(func.count()).select_from(Job).where(_is_old(keep_s))) or 0


def remove_old_jobs(session: Session, keep_s: float) -> int:
    """Remove some of the jobs that ended more than `keep_s` seconds ago, suggestions after SUGGESTIONS_KEPT_S
    if that is less, and that no other row refers to: no photo, model, selection, evaluation or explanation
    came of them. Returns how many; 0: there are none.

    The blobs that only they name leave after the commit. No event is written: nobody decided to delete them.
    """
    old: Sequence[Job] = session.scalars(
        select(Job).where(_is_old(keep_s)).order_by(Job.finished_at).limit(VALUES_A_QUERY)
    ).all()
    ids: list[uuid.UUID] = [job.id for job in old]
    leave(session, set().union(*(digests_in(job.spec, job.result) for job in old)))
    job_parts.remove(session, ids)
    session.execute(delete(Job).where(Job.id.in_(ids)))
    return len(ids)


def _is_old(keep_s: float) -> ColumnElement[bool]:
    referring = [
        key.parent
        for table in Base.metadata.tables.values()
        if table.name not in {part.__tablename__ for part in job_parts.PARTS}
        for key in table.foreign_keys
        if key.column.table.name == Job.__tablename__
    ]
    unreferred = [~exists().where(column == Job.id) for column in referring]
    is_old = or_(
        Job.finished_at < from_now(-keep_s),
        and_(Job.kind == "suggest", Job.finished_at < from_now(-SUGGESTIONS_KEPT_S)),
    )
    return and_(Job.state.in_(ENDED), is_old, *unreferred)
