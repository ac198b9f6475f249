"""What belongs to a job beside its row: its metrics, and the samples and the log of a training."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store import jobs
from store.blobs import Blob
from store.references import leave
from store.tables import Base, JobLog, JobMetric, JobSample

PARTS: tuple[type[JobMetric | JobSample | JobLog], ...] = (JobMetric, JobSample, JobLog)


def remove(session: Session, job_ids: Collection[uuid.UUID]) -> None:
    """Remove all that belongs to these jobs, at most `VALUES_A_QUERY`. The blobs leave after the commit."""
    leave(session, session.scalars(select(JobSample.sha256).where(JobSample.job_id.in_(job_ids))))
    for part in PARTS:
        session.execute(delete(part).where(part.job_id.in_(job_ids)))


def metrics(session: Session, job_id: uuid.UUID, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Metric lines with a step greater than `after`, in order of steps."""
    query = select(JobMetric.values).where(JobMetric.job_id == job_id, JobMetric.step > after)
    return list(session.scalars(query.order_by(JobMetric.step).limit(limit)))


def last_reported_step(session: Session, job_id: uuid.UUID) -> int:
    """The step of the last metric line; −1 if there is none."""
    query = select(JobMetric.step).where(JobMetric.job_id == job_id).order_by(JobMetric.step.desc()).limit(1)
    step = session.scalar(query)
    return -1 if step is None else step


def add_sample(session: Session, claim: jobs.Claim, step: int, sheet: Blob) -> None:
    """Add a sample sheet; the first one of a step stays. Raises LeaseLost."""
    jobs.hold(session, claim)
    row = {"job_id": claim.job_id, "step": step, "sha256": sheet.sha256, "size_bytes": sheet.size}
    session.execute(_insert(session, JobSample).values(row).on_conflict_do_nothing())


def samples(session: Session, job_id: uuid.UUID, *, after: int, limit: int) -> Sequence[JobSample]:
    """The sample sheets that were drawn after the step `after`, in the order of steps."""
    query = select(JobSample).where(JobSample.job_id == job_id, JobSample.step > after)
    return session.scalars(query.order_by(JobSample.step).limit(limit)).all()


def sample(session: Session, job_id: uuid.UUID, step: int) -> JobSample | None:
    return session.get(JobSample, (job_id, step))


def keep_log(session: Session, claim: jobs.Claim, tail: str) -> None:
    """Put the end of a training's log in the place of an earlier one. Raises LeaseLost."""
    jobs.hold(session, claim)
    adding = _insert(session, JobLog).values(job_id=claim.job_id, tail=tail)
    session.execute(adding.on_conflict_do_update(index_elements=[JobLog.job_id], set_={"tail": tail}))


def log(session: Session, job_id: uuid.UUID) -> str:
    """The end of a training's log; empty before it has printed anything."""
    return session.scalar(select(JobLog.tail).where(JobLog.job_id == job_id)) or ""


def _insert(session: Session, table: type[Base]) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
