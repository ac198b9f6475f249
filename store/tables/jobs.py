"""Jobs, and what trainings report while they run."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from store.states import JOB_STATES
from store.tables.base import Base, Deletable


class Job(Deletable):
    """A durable unit of work; `store.jobs` says how it moves from state to state."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "ring_at"),
        Index(None, "state", "lease_expires_at"),
        Index(None, "pool_id", "id"),
        CheckConstraint(f"state IN {JOB_STATES}", name="state"),
    )

    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pools.id"))
    """None: it is about the whole server."""
    kind: Mapped[str] = mapped_column(String(20))
    queue: Mapped[str] = mapped_column(String(10))
    spec: Mapped[dict[str, Any]]
    """What to do; never changes."""
    estimate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a training needs, as estimated before its first step."""

    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token: the number of the attempt that runs or ran last."""
    max_attempts: Mapped[int]
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_expires_at: Mapped[datetime | None]
    deadline_s: Mapped[float]
    deadline_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    finish_requested: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a training is to end now and keep its model."""
    ring_at: Mapped[datetime]
    """When the sweep rings, if no worker has claimed the job by then."""
    rings: Mapped[int] = mapped_column(default=0)

    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`{"type", "detail"}` of the last attempt that failed."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    request_digest: Mapped[str | None] = mapped_column(String(64))
    principal_id: Mapped[uuid.UUID | None]
    """Who ordered it. None: not known, or the program by itself."""


class JobMetric(Base):
    """One line of a training's loss and metric history."""

    __tablename__ = "job_metrics"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]


class JobSample(Base):
    """A sample sheet, a PNG, that a training drew after this step."""

    __tablename__ = "job_samples"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class JobLog(Base):
    """The end of what a training's processes printed."""

    __tablename__ = "job_logs"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    tail: Mapped[str]
