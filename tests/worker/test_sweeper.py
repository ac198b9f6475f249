import gc
import os
import threading
import uuid
import weakref

import pytest

from store import jobs
from store.bell import Bell
from tests.processes import free_port, until
from tests.worker.factories import Pools
from worker import sweeper as sweeping
from worker.attempt import Tools
from worker.sweeper import sweep, sweep_until


class SlowBell(Bell):
    """A bell whose broker takes two seconds to refuse a ring, by a clock of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rung: list[uuid.UUID] = []
        # Replacing time.monotonic itself would stop the clock of every event loop in this process.
        monkeypatch.setattr(sweeping, "monotonic", lambda: 2.0 * len(self.rung))

    def ring(self, job_id: uuid.UUID, queue: str) -> None:
        self.rung.append(job_id)


def test_a_broker_that_hangs_does_not_keep_the_sweep_from_silent_jobs(
    tools: Tools, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ringing stops after a few seconds; the other jobs are due again later."""
    pool_id = pools.pool()
    for _ in range(20):
        pools.job(pool_id, "select", {}, ring_at=pools.now())
    bell = SlowBell(monkeypatch)

    sweep(tools.settings, tools.database, bell)

    assert len(bell.rung) == 3


def test_a_broker_that_is_away_is_no_error(tools: Tools, pools: Pools) -> None:
    """With nothing at the broker's address the sweep still releases a silent job."""
    job_id = pools.job(pools.pool(), "select", {})
    with tools.database.write() as session:
        assert jobs.claim(session, job_id, worker="dead", lease_s=0)
    bell = Bell(f"redis://127.0.0.1:{free_port()}/0")

    until(lambda: pools.now() > pools.get(job_id).lease_expires_at, "the end of the lease")  # type: ignore[operator]
    sweep(tools.settings, tools.database, bell)
    bell.close()

    assert (pools.get(job_id).state, pools.get(job_id).rings) == ("queued", 1)


def test_nothing_ends_the_sweeper(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that raises is followed by the next one."""
    shutdown, calls = threading.Event(), []

    def failing(*_: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            shutdown.set()
        raise RuntimeError("the database is away")

    monkeypatch.setattr(sweeping, "sweep", failing)
    monkeypatch.setattr(sweeping, "EVERY_S", 0.001)

    sweep_until(shutdown, tools.settings, tools.database, tools.blobs, Bell("redis://127.0.0.1:1/0"))

    assert len(calls) == 3


def test_the_janitor_comes_soon_after_the_start_and_then_hourly(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that no job dropped in a day is deleted while the worker runs."""
    shutdown, seen, clock = threading.Event(), [], iter(range(0, 36_000, 1200))
    photo = tools.settings.data_dir / "blobs" / "held" / "held-photo"

    def noting(*_: object) -> None:
        seen.append(photo.exists())
        if len(seen) == 6:
            shutdown.set()
        photo.write_bytes(b"photo")
        os.utime(photo, (0, 0))

    monkeypatch.setattr(sweeping, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sweeping, "sweep", noting)
    monkeypatch.setattr(sweeping, "EVERY_S", 0.001)

    sweep_until(shutdown, tools.settings, tools.database, tools.blobs, Bell("redis://127.0.0.1:1/0"))

    assert seen == [False, False, True, True, False, True]


def test_unreachable_cycles_are_collected_once_a_minute(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not Python looks for them by itself."""

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    shutdown, seen, clock = threading.Event(), list[bool](), iter(range(0, 3600, 40))
    cycle = weakref.ref(Cycle())

    def noting(*_: object) -> None:
        nonlocal cycle
        seen.append(cycle() is None)
        cycle = weakref.ref(Cycle())
        if len(seen) == 5:
            shutdown.set()

    monkeypatch.setattr(sweeping, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sweeping, "sweep", noting)
    monkeypatch.setattr(sweeping, "EVERY_S", 0.001)
    gc.disable()
    try:
        sweep_until(shutdown, tools.settings, tools.database, tools.blobs, Bell("redis://127.0.0.1:1/0"))
    finally:
        gc.enable()

    assert seen == [False, True, False, True, False]
