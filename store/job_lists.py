"""Lists of jobs: which, in which order, and how many there are."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from store import pages
from store.filters import has, kept
from store.job_kinds import Kind
from store.memberships import pools_of
from store.states import JobState
from store.tables import Job, Pool

Sort = Literal["added", "-added", "kind", "-kind", "state", "-state"]
"""What jobs are ordered by; with a minus, the largest first."""

KEYS: dict[str, Any] = {"added": Job.id, "kind": Job.kind, "state": Job.state}


@dataclass(frozen=True)
class Wanted:
    """Which jobs, and in which order. None stands for all; without `kind`, deliveries and suggestions are
    left out.
    """

    pool_id: uuid.UUID | None = None
    state: JobState | None = None
    kind: Kind | None = None
    contains: str | None = None
    """A part of a training's method, of the pool's name or of the error; the case of letters does not
    matter."""
    seen_by: uuid.UUID | None = None
    """A principal who is a member of their pools."""
    sort: Sort = "-added"


def page(
    session: Session, wanted: Wanted, *, cursor: str | None = None, limit: int
) -> tuple[list[Job], str | None]:
    """Jobs, and the next page's cursor. Raises WrongCursor."""
    rows, following = pages.ordered(session, _wanted(wanted), KEYS, wanted.sort, cursor=cursor, limit=limit)
    return [job for (job,) in rows], following


def newest(session: Session, wanted: Wanted) -> Job | None:
    """The first job of a list: the newest, unless `wanted` says otherwise. None if there is none."""
    found, _ = page(session, wanted, limit=1)
    return found[0] if found else None


def total(session: Session, wanted: Wanted) -> int:
    """How many jobs there are, on all pages."""
    return pages.total(session, _wanted(wanted))


def _wanted(wanted: Wanted) -> Select[Job]:
    query = select(Job).where(kept(Job))
    if wanted.pool_id:
        query = query.where(Job.pool_id == wanted.pool_id)
    if wanted.state:
        query = query.where(Job.state == wanted.state)
    if wanted.kind:
        query = query.where(Job.kind == wanted.kind)
    else:
        query = query.where(Job.kind.not_in(("deliver", "suggest")))
    if wanted.contains is not None:
        pool = select(Pool.name).where(Pool.id == Job.pool_id).scalar_subquery()
        texts = Job.spec["method"].as_string(), pool, Job.error["detail"].as_string()
        query = query.where(has(wanted.contains, *texts))
    if wanted.seen_by:
        query = query.where(Job.pool_id.in_(pools_of(wanted.seen_by)))
    return query
