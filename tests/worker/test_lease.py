import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from store import job_parts, jobs
from store.database import Database
from tests.processes import until
from tests.worker.factories import Pools
from worker.attempt import Attempt, Tools
from worker.lease import Lease


class Outage(Database):
    """A database that can be switched off."""

    def __init__(self, database: Database) -> None:
        self.__dict__.update(vars(database))
        self.away = False
        self.refused = 0

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self.away:
            self.refused += 1
            raise OperationalError("UPDATE jobs", {}, Exception("server closed the connection"))
        with super().write() as session:
            yield session


@pytest.fixture
def database(tools: Tools) -> Outage:
    return Outage(tools.database)


@pytest.fixture
def claim(pools: Pools) -> jobs.Claim:
    job_id = pools.job(pools.pool(), "select", {})
    with pools.tools.database.write() as session:
        claim = jobs.claim(session, job_id, worker="me", lease_s=1.0)
    assert claim
    return claim


def lease(database: Database, claim: jobs.Claim, lease_s: float = 1.0) -> Lease:
    return Lease(database, claim, lease_s=lease_s, since=time.monotonic(), shutdown=threading.Event())


def is_lost(lease: Lease) -> bool:
    try:
        lease.check()
    except jobs.LeaseLost:
        return True
    return False


def test_a_short_outage_does_not_lose_the_lease(database: Outage, claim: jobs.Claim, pools: Pools) -> None:
    """A heartbeat that fails is tried again, and the next one that succeeds extends the lease."""
    with lease(database, claim, lease_s=6) as held:
        database.away = True
        until(lambda: database.refused, "a refused heartbeat")
        held.check()
        database.away = False
        before = pools.get(claim.job_id).lease_expires_at
        until(lambda: pools.get(claim.job_id).lease_expires_at != before, "a heartbeat")
        held.check()


def test_an_outage_longer_than_the_lease_loses_it(database: Outage, claim: jobs.Claim) -> None:
    """A worker that cannot extend its lease stops by its own clock, without asking the database."""
    database.away = True
    with lease(database, claim, lease_s=0.5) as held:
        held.check()
        until(lambda: is_lost(held), "the end of the lease")
        assert database.refused


def test_another_attempt_takes_the_lease(database: Outage, claim: jobs.Claim) -> None:
    """The heartbeat that finds the job running under another attempt ends the lease at once."""
    with lease(database, claim, lease_s=3) as held:
        with database.write() as session:
            jobs.retry(session, claim, type="lease-expired", detail="…")
            assert jobs.claim(session, claim.job_id, worker="other", lease_s=60)
        until(lambda: is_lost(held), "the loss of the lease", seconds=2.5)


def test_an_outage_costs_no_metric_line_and_no_attempt(
    tools: Tools, database: Outage, claim: jobs.Claim
) -> None:
    """Lines whose report failed, and lines that are reported twice, are recorded once in the end."""
    away = Tools(tools.settings, database, tools.blobs, tools.networks)
    lines = [{"step": step, "loss": 1.0} for step in range(1, 5)]
    with lease(database, claim, lease_s=60) as held:
        attempt = Attempt(claim, away, held)
        assert attempt.report(2, 4, lines[:2])
        database.away = True
        assert not attempt.report(3, 4, lines[:3])
        database.away = False
        assert attempt.report(4, 4, lines)

    with tools.database.read() as session:
        assert job_parts.metrics(session, claim.job_id, after=-1, limit=10) == lines


def test_progress_is_not_recorded_for_every_item(
    tools: Tools, pools: Pools, claim: jobs.Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler may call `progress` after every item: most calls only look for a reason to stop."""
    monkeypatch.setattr("worker.attempt.PROGRESS_EVERY_S", 3600.0)  # longer than this test on any machine
    with lease(tools.database, claim, lease_s=60) as held:
        attempt = Attempt(claim, tools, held)
        assert list(attempt.each(range(100))) == list(range(100))

    assert (pools.get(claim.job_id).done, pools.get(claim.job_id).total) == (0, 100)
