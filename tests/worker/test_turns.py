"""Fairness: however many jobs one principal or pool has, those of others come soon."""

import threading
import uuid
from collections.abc import Sequence

import pytest

from store import jobs, lines, principals
from store import pools as pool_rows
from store.clock import from_now
from store.database import Database
from store.settings import Settings
from store.tables import Job
from tests.worker.factories import Pools
from worker import run as run_module
from worker.attempt import Attempt, Tools
from worker.outcomes import Outcome
from worker.run import run_next
from worker.turns import Turns


def person(database: Database, name: str) -> uuid.UUID:
    with database.write() as session:
        principals.ensure(session, name, admin=False)
        found = principals.named(session, name)
    assert found
    return found.id


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The jobs that ran, in their order; each ends at once."""
    ids: list[uuid.UUID] = []

    def handler(attempt: Attempt) -> Outcome:
        ids.append(attempt.claim.job_id)
        return Outcome({})

    monkeypatch.setattr(run_module, "HANDLERS", dict.fromkeys(run_module.HANDLERS, handler))
    return ids


def ring(tools: Tools, job_ids: Sequence[uuid.UUID], turns: Turns | None = None) -> None:
    """Ring for each job, in this order, as the broker does."""
    turns = turns or Turns()
    for job_id in job_ids:
        run_next(job_id, tools, threading.Event(), turns)


def test_a_thousand_embed_jobs_do_not_delay_another_principal(
    tools: Tools, pools: Pools, started: list[uuid.UUID]
) -> None:
    """The job that another principal queues behind them is the second to run, and each job runs once."""
    greedy, other = person(tools.database, "greedy"), person(tools.database, "other")
    pool_id, of_greedy = pools.pool(), []
    with tools.database.write() as session:
        for _ in range(1000):
            job = jobs.create(session, tools.settings, kind="embed", pool_id=pool_id, spec={}, ring_in_s=0)
            job.principal_id = greedy
            of_greedy.append(job.id)
    behind = pools.job(pools.pool(), "embed", {}, principal_id=other, ring_at=pools.now())

    ring(tools, of_greedy[:20])
    assert started[1] == behind
    assert started[:1] + started[2:] == of_greedy[:19]


def test_principals_take_turns_and_so_do_their_pools(
    tools: Tools, pools: Pools, started: list[uuid.UUID]
) -> None:
    """A principal with two busy pools has as many turns as one with one; its pools share them."""
    names = {}
    for name, principal, count in (("a", "ana", 6), ("b", "ana", 6), ("c", "ben", 6)):
        pool_id, of = pools.pool(), person(tools.database, principal)
        for _ in range(count):
            names[pools.job(pool_id, "export", {}, principal_id=of)] = name

    ring(tools, list(names))
    order = "".join(names[job_id] for job_id in started)
    assert sorted(started) == sorted(names)
    assert order[:12].count("c") == 6
    assert {order[:12].count("a"), order[:12].count("b")} == {3}


def test_a_ring_serves_its_own_queue(tools: Tools, pools: Pools, started: list[uuid.UUID]) -> None:
    """A worker for selections is not given a training, nor the other way round."""
    training, export = pools.job(pools.pool(), "train", {}), pools.job(pools.pool(), "export", {})
    ring(tools, [export])
    assert started == [export]
    ring(tools, [export])
    assert started == [export]
    ring(tools, [training])
    assert started == [export, training]


def test_a_job_that_waits_for_another_attempt_is_not_in_line(database: Database) -> None:
    """Nor is an embed job that still gains photos; when their time has come, both are."""
    settings = Settings()
    with database.write() as session:
        pool_id = pool_rows.create(session, name="one", class_table=None, encoder="resnet50").id
        made = {
            kind: jobs.create(session, settings, kind=kind, pool_id=pool_id, spec={}, ring_in_s=60).id
            for kind in ("export", "embed", "search")
        }
        claim = jobs.claim(session, made["export"], worker="test", lease_s=60)
        assert claim
        jobs.retry(session, claim, type="test", detail="Once more.")

    def first(kind: str) -> list[uuid.UUID]:
        with database.read() as session:
            return [first.job_id for first in lines.firsts(session, made[kind])]

    with database.write() as session:
        rung = jobs.create(session, settings, kind="embed", pool_id=pool_id, spec={}, ring_in_s=60).id
    made["rung"] = rung
    assert first("search") == [made["search"]]
    assert first("rung") == [rung]
    with database.write() as session:
        for job_id in made.values():
            session.get_one(Job, job_id).ring_at = from_now(-1)
    assert first("search") == [made["export"]]
    assert first("rung") == [made["embed"]]
