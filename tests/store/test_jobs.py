"""The job core, on SQLite and on PostgreSQL: who gets a job, who may write, what the sweep does."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from store import job_parts, jobs, pools
from store.clock import from_now
from store.database import Database
from store.jobs import Claim, LeaseLost
from store.settings import Settings
from store.tables import Job, JobMetric

SETTINGS = Settings(max_attempts=3)


@pytest.fixture
def pool_id(database: Database) -> uuid.UUID:
    with database.write() as session:
        return pools.create(session, name="p", class_table=None, encoder="resnet50").id


@pytest.fixture
def job_id(database: Database, pool_id: uuid.UUID) -> uuid.UUID:
    return new_job(database, pool_id)


def new_job(database: Database, pool_id: uuid.UUID, kind: str = "train", **spec: Any) -> uuid.UUID:
    with database.write() as session:
        return jobs.create(session, SETTINGS, kind=kind, pool_id=pool_id, spec=spec or {"n": 1}).id


def claim(database: Database, job_id: uuid.UUID, lease_s: float = 60) -> Claim | None:
    with database.write() as session:
        return jobs.claim(session, job_id, worker="test", lease_s=lease_s)


def claimed(database: Database, job_id: uuid.UUID, lease_s: float = 60) -> Claim:
    found = claim(database, job_id, lease_s)
    assert found
    return found


def get(database: Database, job_id: uuid.UUID) -> Job:
    with database.read() as session:
        job = jobs.get(session, job_id)
    assert job
    return job


def sweep(database: Database, ring_again_s: float = 20) -> list[uuid.UUID]:
    with database.write() as session:
        return [job_id for job_id, _ in jobs.sweep(session, ring_again_s=ring_again_s)]


def make_due(database: Database, job_id: uuid.UUID) -> None:
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(ring_at=from_now(-1)))


def test_of_many_claims_one_succeeds(database: Database, pool_id: uuid.UUID) -> None:
    """If threads claim the same jobs at the same time, each job goes to exactly one of them."""
    ids = [new_job(database, pool_id) for _ in range(20)]

    def take_all(seed: int) -> list[uuid.UUID]:
        order = random.Random(seed).sample(ids, len(ids))
        return [found.job_id for job_id in order if (found := claim(database, job_id))]

    with ThreadPoolExecutor(6) as threads:
        taken = [job_id for own in threads.map(take_all, range(6)) for job_id in own]
    assert sorted(taken) == sorted(ids)
    assert {get(database, job_id).attempt for job_id in ids} == {1}


def test_a_claim_brings_what_to_do(database: Database, job_id: uuid.UUID, pool_id: uuid.UUID) -> None:
    """A claim has the pool, kind, spec and attempt number, and the job is shown as running."""
    assert claim(database, job_id) == Claim(job_id, pool_id, 1, "train", {"n": 1})
    job = get(database, job_id)
    assert (job.state, job.worker, job.attempt) == ("running", "test", 1)
    assert None not in (job.started_at, job.deadline_at, job.lease_expires_at)


WRITES: dict[str, Callable[[Session, Claim], object]] = {
    "heartbeat": lambda session, claim: jobs.heartbeat(session, claim, lease_s=60),
    "report": lambda session, claim: jobs.report(session, claim, done=1, total=2, metrics=[{"step": 1}]),
    "succeed": lambda session, claim: jobs.succeed(session, claim, {}),
    "fail": lambda session, claim: jobs.fail(session, claim, type="t", detail="d"),
    "retry": lambda session, claim: jobs.retry(session, claim, type="t", detail="d"),
    "stopped": lambda session, claim: jobs.stopped(session, claim),
}


@pytest.mark.parametrize("write", WRITES)
def test_an_attempt_that_was_replaced_writes_nothing(
    database: Database, job_id: uuid.UUID, write: str
) -> None:
    """A worker that was presumed dead and comes back is refused, and the job stays with its new owner."""
    late = claimed(database, job_id, lease_s=-1)
    assert sweep(database) == [job_id]
    owner = claimed(database, job_id)
    assert (late.attempt, owner.attempt) == (1, 2)
    with pytest.raises(LeaseLost), database.write() as session:
        WRITES[write](session, late)
    job = get(database, job_id)
    assert (job.state, job.attempt, job.result, job.done) == ("running", 2, None, 0)
    with database.read() as session:
        assert job_parts.last_reported_step(session, job_id) == -1
    with database.write() as session:
        jobs.succeed(session, owner, {"won": 2})
    assert get(database, job_id).result == {"won": 2}


@pytest.mark.parametrize("write", WRITES)
def test_an_ended_job_takes_no_write(database: Database, job_id: uuid.UUID, write: str) -> None:
    """Its own attempt cannot end it a second time either: at most one result is committed."""
    owner = claimed(database, job_id)
    with database.write() as session:
        jobs.succeed(session, owner, {"won": 1})
    with pytest.raises(LeaseLost), database.write() as session:
        WRITES[write](session, owner)
    assert get(database, job_id).result == {"won": 1}


def test_a_result_and_its_rows_are_one_transaction(database: Database, job_id: uuid.UUID) -> None:
    """If the lease was lost, the other rows that the late attempt wrote with its result are gone as well."""
    late = claimed(database, job_id, lease_s=-1)
    sweep(database)

    def end_late() -> None:
        with database.write() as session:
            session.add(JobMetric(job_id=job_id, step=1, values={}))
            session.flush()
            jobs.succeed(session, late, {})

    with pytest.raises(LeaseLost):
        end_late()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(JobMetric)) == 0


def test_a_lease_that_is_extended_does_not_expire(database: Database, job_id: uuid.UUID) -> None:
    """The sweep leaves a job alone if its worker has sent a heartbeat."""
    owner = claimed(database, job_id, lease_s=-1)
    with database.write() as session:
        jobs.heartbeat(session, owner, lease_s=60)
    assert sweep(database) == []
    assert get(database, job_id).state == "running"


def test_attempts_run_out(database: Database, job_id: uuid.UUID) -> None:
    """When the lease of the last attempt expires, the job fails and is not rung for again."""
    for attempt in (1, 2, 3):
        assert claimed(database, job_id, lease_s=-1).attempt == attempt
        rung = sweep(database)
        assert rung == ([job_id] if attempt < 3 else [])
    job = get(database, job_id)
    assert (job.state, job.error["type"] if job.error else None) == ("failed", "lease-expired")
    assert job.finished_at
    assert claim(database, job_id) is None


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("translate", {"model_id": "m"}),
        ("evaluate", {"model_id": "m"}),
        ("suggest", {"model_id": "m"}),
        ("select", {"question": {"model": "m"}}),
    ],
)
def test_a_file_that_ends_its_workers_is_not_tried_for_ever(
    database: Database, pool_id: uuid.UUID, kind: str, spec: dict[str, Any]
) -> None:
    """A job that runs a model fails when two workers in a row fell silent; a mishap between starts anew."""
    job_id = new_job(database, pool_id, kind, **spec)
    claimed(database, job_id, lease_s=-1)
    assert sweep(database) == [job_id]
    with database.write() as session:
        jobs.retry(session, claimed_in(session, job_id), type="worker-crashed", detail="Signal 9.")
    with database.write() as session:
        session.execute(update(Job).values(max_attempts=9))
    claimed(database, job_id, lease_s=-1)
    assert sweep(database) == [job_id]
    claimed(database, job_id, lease_s=-1)
    assert sweep(database) == []
    assert get(database, job_id).state == "failed"


def test_a_retry_is_queued_again_until_no_attempt_is_left(database: Database, job_id: uuid.UUID) -> None:
    """A retry counts as an attempt and keeps the reason; success clears the reason."""
    with database.write() as session:
        jobs.retry(session, claimed_in(session, job_id), type="worker-crashed", detail="Signal 9.")
    job = get(database, job_id)
    assert (job.state, job.error, job.finished_at) == (
        "queued",
        {"type": "worker-crashed", "detail": "Signal 9."},
        None,
    )
    owner = claimed(database, job_id)
    with database.write() as session:
        jobs.succeed(session, owner, {})
    assert get(database, job_id).error is None


def test_retries_wait_longer_and_longer(database: Database, job_id: uuid.UUID) -> None:
    """The sweep rings after 1, 4, 16 and then 30 seconds, by the database's clock."""
    waits = []
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(max_attempts=9))
    for _ in range(4):
        with database.write() as session:
            jobs.retry(session, claimed_in(session, job_id), type="process-died", detail="Signal 9.")
            left = select(Job.ring_at).where(Job.id == job_id)
            now = session.scalar(select(from_now(0)))
            waits.append((session.scalars(left).one() - now).total_seconds())
    assert waits == pytest.approx([1, 4, 16, 30], abs=0.5)


def test_a_job_given_back_keeps_its_attempts(database: Database, job_id: uuid.UUID) -> None:
    """However often workers shut down, the job does not fail; if it was to be cancelled, it is."""
    for _ in range(10):
        with database.write() as session:
            jobs.give_back(session, claimed_in(session, job_id))
        assert get(database, job_id).state == "queued"
    owner = claimed(database, job_id)
    assert owner.attempt == 11
    with database.write() as session:
        jobs.cancel(session, job_id)
        jobs.give_back(session, owner)
    assert get(database, job_id).state == "cancelled"


def claimed_in(session: Session, job_id: uuid.UUID) -> Claim:
    found = jobs.claim(session, job_id, worker="test", lease_s=60)
    assert found
    return found


def test_cancelling(database: Database, job_id: uuid.UUID, pool_id: uuid.UUID) -> None:
    """A queued job ends at once. A running one learns it by heartbeat, and ends so if its worker dies."""
    with database.write() as session:
        jobs.cancel(session, job_id)
    assert get(database, job_id).state == "cancelled"
    assert claim(database, job_id) is None

    running = new_job(database, pool_id)
    owner = claimed(database, running, lease_s=-1)
    with database.write() as session:
        jobs.cancel(session, running)
        assert jobs.heartbeat(session, owner, lease_s=-1).cancel
    assert sweep(database) == []
    assert get(database, running).state == "cancelled"


def test_a_deadline_stops_an_attempt(database: Database, job_id: uuid.UUID) -> None:
    """The heartbeat says when the attempt is past its deadline; each attempt has its own deadline."""
    owner = claimed(database, job_id)
    with database.write() as session:
        assert not jobs.heartbeat(session, owner, lease_s=60).past_deadline
        session.execute(update(Job).where(Job.id == job_id).values(deadline_at=from_now(-1), deadline_s=9.0))
        reasons = jobs.heartbeat(session, owner, lease_s=60)
        jobs.retry(session, owner, type="deadline-exceeded", detail="d")
    assert (reasons.past_deadline, reasons.cancel) == (True, False)
    second = claimed(database, job_id)
    with database.write() as session:
        assert not jobs.heartbeat(session, second, lease_s=60).past_deadline


def test_the_sweep_rings_less_and_less_often(database: Database, job_id: uuid.UUID) -> None:
    """A queued job is rung for after 20 s, 40 s and so on, at most every 5 min; never before it is due."""
    waits = []
    for _ in range(6):
        assert sweep(database) == []
        make_due(database, job_id)
        before = now(database)
        assert sweep(database) == [job_id]
        waits.append(round((get(database, job_id).ring_at - before).total_seconds()))
    assert waits == [20, 40, 80, 160, 300, 300]


def now(database: Database) -> datetime:
    with database.read() as session:
        moment: datetime = session.execute(select(from_now(0))).scalar_one()
    return moment


def test_two_sweeps_at_once_ring_a_job_once(database: Database, pool_id: uuid.UUID) -> None:
    """Every worker sweeps, but each due job is rung for once."""
    ids = [new_job(database, pool_id) for _ in range(10)]
    for job_id in ids:
        make_due(database, job_id)
    with ThreadPoolExecutor(4) as threads:
        rung = [job_id for own in threads.map(lambda _: sweep(database), range(4)) for job_id in own]
    assert sorted(rung) == sorted(ids)


def test_metrics_come_back_in_order_from_any_step(database: Database, job_id: uuid.UUID) -> None:
    """Lines are kept as they were reported, and a new attempt continues after the last step."""
    owner = claimed(database, job_id)
    lines = [{"step": step, "loss": step / 3} for step in (1, 5, 10)]
    with database.write() as session:
        jobs.report(session, owner, done=10, total=20, metrics=lines)
    with database.read() as session:
        assert job_parts.metrics(session, job_id, after=-1, limit=10) == lines
        assert job_parts.metrics(session, job_id, after=1, limit=1) == lines[1:2]
        assert job_parts.last_reported_step(session, job_id) == 10


def test_a_key_finds_its_job_until_it_is_released(database: Database, pool_id: uuid.UUID) -> None:
    """A key belongs to one job; a released key can be given to another."""
    with database.write() as session:
        job = jobs.create(
            session,
            SETTINGS,
            kind="select",
            pool_id=pool_id,
            spec={},
            idempotency_key="k",
            request_digest="d",
        )
        assert jobs.by_idempotency_key(session, "k") is job
        jobs.release_idempotency_key(session, job.id)
        assert jobs.by_idempotency_key(session, "k") is None
        jobs.create(session, SETTINGS, kind="select", pool_id=pool_id, spec={}, idempotency_key="k")
        assert jobs.census(session) == [("select", "queued", 2)]


def test_workers_that_die_at_random_lose_and_double_nothing(database: Database, pool_id: uuid.UUID) -> None:
    """Threads claim jobs, abandon half of them, and sweep: every job ends once, with one effect."""
    ids = [new_job(database, pool_id) for _ in range(30)]
    with database.write() as session:
        session.execute(update(Job).values(max_attempts=1000))

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while True:
            with database.write() as session:
                queued = session.scalars(select(Job.id).where(Job.state == "queued")).all()
                left = session.scalar(select(func.count()).where(Job.state.in_(("queued", "running"))))
            if not left:
                return
            for job_id in chance.sample(list(queued), min(3, len(queued))):
                dies = chance.random() < 0.5
                found = claim(database, job_id, lease_s=-1 if dies else 60)
                if found is None or dies:
                    continue
                with database.write() as session:
                    jobs.succeed(session, found, {"attempt": found.attempt})
                    session.add(JobMetric(job_id=job_id, step=found.attempt, values={}))
            sweep(database)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    with database.read() as session:
        ended = {job.id: job for job in session.scalars(select(Job))}
        effects = session.execute(select(JobMetric.job_id, JobMetric.step)).all()
    assert {job.state for job in ended.values()} == {"succeeded"}
    assert sorted(row.job_id for row in effects) == sorted(ids)
    assert all(ended[row.job_id].result == {"attempt": row.step} for row in effects)
