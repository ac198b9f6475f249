"""The job core: how a job moves from state to state. The row is the truth; the bell only wakes workers.

    create ─► queued ──claim──► running ──succeed──► succeeded
                │  ▲               │ │ ├──fail──────► failed
                │  └──retry/sweep──┘ │ └──(no attempt left)─► failed
                └──cancel──► cancelled ◄──stopped after cancel

Two rules carry everything. A job is claimed by one UPDATE that asks for `queued`, so one worker gets it.
Every later write asks for this attempt, still running: a worker that was presumed dead and comes back changes
nothing (the attempt is the fencing token). So a job runs at least once, and its result is committed at most
once.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, null, or_, select, update
from sqlalchemy.orm import Session

from store import actors, events, webhooks
from store.clock import from_now
from store.job_kinds import QUEUE_OF_KIND, UNRECORDED, Kind
from store.settings import Settings
from store.states import ENDED, JobState
from store.tables import Job, JobMetric, Model, Selection

SILENT = "lease-expired"
"""The error of a job whose worker was not heard of for the length of its lease."""
OF_END = (Job.id, Job.pool_id, Job.kind, Job.state)
"""What webhooks are told of a job that ends."""
NO_POOL = uuid.UUID(int=0)
LONGEST_RING_S = 300.0
LONGEST_RETRY_S = 30.0


class LeaseLost(Exception):
    """This attempt no longer owns its job: another took over, or it was ended. Stop, and write nothing."""


@dataclass(frozen=True)
class Claim:
    """One attempt's hold on a job."""

    job_id: uuid.UUID
    pool_id: uuid.UUID
    """NO_POOL: it is about the whole server."""
    attempt: int
    kind: str
    spec: dict[str, Any]
    principal_id: uuid.UUID | None = None
    """Who ordered the job."""


@dataclass(frozen=True)
class StopReasons:
    """Why an attempt has to stop, as a heartbeat learns it."""

    cancel: bool
    past_deadline: bool
    finish: bool = False
    """Whether to end well with what is done so far."""


def create(
    session: Session,
    settings: Settings,
    *,
    kind: str,
    pool_id: uuid.UUID | None,
    spec: dict[str, Any],
    total: int = 0,
    ring_in_s: float | None = None,
    idempotency_key: str | None = None,
    request_digest: str | None = None,
) -> Job:
    """Add a queued job to the caller's transaction. Ring after the commit, or leave it to the sweep."""
    job = Job(
        pool_id=pool_id,
        kind=kind,
        queue=QUEUE_OF_KIND[kind],
        spec=spec,
        total=total,
        max_attempts=settings.max_attempts,
        deadline_s=settings.training_deadline_s if kind == "train" else settings.job_deadline_s,
        ring_at=from_now(settings.ring_again_s if ring_in_s is None else ring_in_s),
        idempotency_key=idempotency_key,
        request_digest=request_digest,
        principal_id=actors.current().principal_id,
    )
    session.add(job)
    session.flush()
    if kind not in UNRECORDED:
        events.add(session, pool_id, "ordered", "job", job.id, kind_of_job=kind)
    return job


def claim(session: Session, job_id: uuid.UUID, *, worker: str, lease_s: float) -> Claim | None:
    """Take a queued job. None if it is not queued any more, which is no error."""
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "queued")
        .values(
            state="running",
            attempt=Job.attempt + 1,
            worker=worker,
            lease_expires_at=from_now(lease_s),
            deadline_at=from_now(Job.deadline_s),
            started_at=case((Job.started_at.is_(None), from_now(0)), else_=Job.started_at),
        )
        .returning(Job.id, Job.pool_id, Job.attempt, Job.kind, Job.spec, Job.principal_id)
    ).one_or_none()
    return Claim(row[0], row[1] or NO_POOL, *row[2:]) if row else None


def _mine(claim: Claim) -> ColumnElement[bool]:
    return and_(Job.id == claim.job_id, Job.attempt == claim.attempt, Job.state == "running")


def _write_as_owner(session: Session, claim: Claim, **values: Any) -> None:
    written = update(Job).where(_mine(claim)).values(**values).returning(Job.state)
    state = session.execute(written).scalar_one_or_none()
    if state is None:
        raise LeaseLost(f"attempt {claim.attempt} of job {claim.job_id} is no longer running")
    if state in ENDED:
        webhooks.tell_of_end(session, claim.job_id, claim.pool_id, claim.kind, state)


def heartbeat(session: Session, claim: Claim, *, lease_s: float) -> StopReasons:
    """Renew the lease, and learn whether to stop. Raises LeaseLost."""
    row = session.execute(
        update(Job)
        .where(_mine(claim))
        .values(lease_expires_at=from_now(lease_s))
        .returning(Job.cancel_requested, Job.deadline_at < from_now(0), Job.finish_requested)
    ).one_or_none()
    if row is None:
        raise LeaseLost(f"attempt {claim.attempt} of job {claim.job_id} is no longer running")
    return StopReasons(cancel=row[0], past_deadline=bool(row[1]), finish=row[2])


def hold(session: Session, claim: Claim) -> None:
    """Keep the job from changing hands until the caller's transaction ends. Raises LeaseLost."""
    _write_as_owner(session, claim, attempt=claim.attempt)


def report(
    session: Session, claim: Claim, *, done: int, total: int, metrics: Sequence[dict[str, Any]] = ()
) -> None:
    """Record progress and metric lines `{"step": …, …}` after the last recorded step. Raises LeaseLost."""
    _write_as_owner(session, claim, done=done, total=total)
    if metrics:
        rows = [{"job_id": claim.job_id, "step": line["step"], "values": line} for line in metrics]
        session.execute(insert(JobMetric), rows)


def estimated(session: Session, claim: Claim, estimate: dict[str, Any]) -> None:
    """Record what the job needs. Raises LeaseLost."""
    _write_as_owner(session, claim, estimate=estimate)


def succeed(session: Session, claim: Claim, result: dict[str, Any], done: int | None = None) -> None:
    """End the job well, with this much of its work `done` (None: all of it). Call it first in the transaction
    that writes its result. Raises LeaseLost.
    """
    _end(session, claim, "succeeded", result=result, done=Job.total if done is None else done, error=null())


def fail(session: Session, claim: Claim, *, type: str, detail: str) -> None:
    """End the job because of a problem that every other attempt would meet too. Raises LeaseLost."""
    _end(session, claim, "failed", error={"type": type, "detail": detail})


def retry(session: Session, claim: Claim, *, type: str, detail: str, wait_s: float | None = None) -> None:
    """Give the job back after a mishap: queued again, or failed when no attempt is left. Raises LeaseLost.

    The next attempt is due after `wait_s` seconds; None: 1, 4, 16, 30, 30, …, as what is wrong may take a
    while to pass.
    """
    if wait_s is None:
        wait_s = min(4.0 ** (claim.attempt - 1), LONGEST_RETRY_S)
    _write_as_owner(session, claim, error={"type": type, "detail": detail}, **_released(ring_in_s=wait_s))


def give_back(session: Session, claim: Claim) -> None:
    """Queue the job again because its worker shuts down; the attempt does not count. Raises LeaseLost."""
    allowed = Job.max_attempts + 1
    _write_as_owner(session, claim, max_attempts=allowed, **_released(ring_in_s=0, allowed=allowed))


def stopped(session: Session, claim: Claim) -> None:
    """The worker has stopped as `cancel` asked. Raises LeaseLost."""
    _end(session, claim, "cancelled")


def _end(session: Session, claim: Claim, state: JobState, **values: Any) -> None:
    _write_as_owner(session, claim, state=state, lease_expires_at=None, finished_at=from_now(0), **values)


def cancel(session: Session, job_id: uuid.UUID) -> None:
    """Cancel a queued job now; ask the worker of a running one to stop. An ended job stays as it is."""
    ended = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "queued")
        .values(state="cancelled", cancel_requested=True, finished_at=from_now(0))
        .returning(*OF_END)
    )
    for row in ended.all():
        webhooks.tell_of_end(session, *row)
    session.execute(update(Job).where(Job.id == job_id, Job.state == "running").values(cancel_requested=True))


def cancel_all(session: Session, pool_id: uuid.UUID) -> None:
    """Cancel all jobs of a pool, as `cancel` does."""
    query = select(Job.id).where(Job.pool_id == pool_id, Job.state.not_in(ENDED))
    for job_id in session.scalars(query).all():
        cancel(session, job_id)


def finish(session: Session, job_id: uuid.UUID) -> bool:
    """Ask a training that has begun to end now with a model. Returns False if it has ended, or is none."""
    asked = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.kind == "train", Job.attempt > 0, Job.state.not_in(ENDED))
        .values(finish_requested=True)
        .returning(Job.id)
    )
    return asked.one_or_none() is not None


def _attempts_of_silent() -> ColumnElement[int]:
    """The attempts of a job whose worker fell silent: if it runs a model and this happened to its attempt
    before as well, there is no further one. The model may be a user's file, and that what ends the workers.
    """
    models = Job.spec["model_id"], Job.spec["question", "model"]
    runs_model = or_(*(model.as_string().is_not(None) for model in models))
    is_second = and_(runs_model, Job.error["type"].as_string() == SILENT)
    return case((is_second, Job.attempt), else_=Job.max_attempts)


def _released(ring_in_s: float, allowed: ColumnElement[int] | None = None) -> dict[str, Any]:
    """The new values of a running job whose attempt has ended without a result."""
    spent = Job.attempt >= (Job.max_attempts if allowed is None else allowed)
    return {
        "state": case((Job.cancel_requested, "cancelled"), (spent, "failed"), else_="queued"),
        "finished_at": case((or_(Job.cancel_requested, spent), from_now(0)), else_=null()),
        "lease_expires_at": null(),
        "ring_at": from_now(ring_in_s),
        "rings": 0,
    }


def sweep(session: Session, *, ring_again_s: float) -> list[tuple[uuid.UUID, str]]:
    """Release jobs whose lease ran out and return (id, queue) of the jobs to ring, after the commit.

    A job that nobody claims is rung again after `ring_again_s`, then twice that, up to five minutes, so that
    a long queue behind one long training does not fill the broker.
    """
    released = session.execute(
        update(Job)
        .where(Job.state == "running", Job.lease_expires_at < from_now(0))
        .values(
            error={"type": SILENT, "detail": "The worker fell silent and another attempt was due."},
            **_released(ring_in_s=0, allowed=_attempts_of_silent()),
        )
        .returning(*OF_END)
    )
    for row in released.all():
        if row.state in ENDED:
            webhooks.tell_of_end(session, *row)
    backoff = {n: min(ring_again_s * 2.0**n, LONGEST_RING_S) for n in range(9)}
    wait = case(backoff, value=Job.rings, else_=LONGEST_RING_S)
    due = session.execute(
        update(Job)
        .where(Job.state == "queued", Job.ring_at <= from_now(0))
        .values(ring_at=from_now(wait), rings=Job.rings + 1)
        .returning(Job.id, Job.queue)
    )
    return [(row.id, row.queue) for row in due]


def get(session: Session, job_id: uuid.UUID) -> Job | None:
    return session.get(Job, job_id, populate_existing=True)


def by_idempotency_key(session: Session, key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.idempotency_key == key))


def result_kept(session: Session, job_id: uuid.UUID) -> str | None:
    """What a job made that has to be deleted before it, in words."""
    for noun, table in (("selection", Selection), ("model", Model)):
        if made := session.scalar(select(table.id).where(table.job_id == job_id)):
            return f"{noun} {made}"
    return None


def unfinished(session: Session, pool_id: uuid.UUID | None, kind: Kind) -> Sequence[Job]:
    """The pool's jobs of this kind that are queued or running, oldest first."""
    query = select(Job).where(Job.pool_id == pool_id, Job.kind == kind, Job.state.not_in(ENDED))
    return session.scalars(query.order_by(Job.id)).all()


def release_idempotency_key(session: Session, job_id: uuid.UUID) -> None:
    """Free the key of a job that gave no answer, so that a new job can have it."""
    session.execute(update(Job).where(Job.id == job_id).values(idempotency_key=None))


def census(session: Session) -> list[tuple[str, str, int]]:
    """The number of jobs of each kind and state: (kind, state, number)."""
    query = select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state)
    return [(kind, state, count) for kind, state, count in session.execute(query)]
