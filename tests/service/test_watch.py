"""Waiting for jobs: hundreds of requests wait without a thread each, and miss nothing."""

import asyncio
import uuid
from typing import Any

from anyio import to_thread

from service.watch import MOST_LINES, Watch
from store import jobs, pools
from store.database import Database
from store.settings import Settings
from store.tables import Job
from tests.service.serving import Client
from tests.service.steps import annotate, new_pool, put_photo
from tests.service.test_jobs import claim, events, report


def queued(database: Database, count: int) -> list[uuid.UUID]:
    with database.write() as session:
        pool_id = pools.create(session, name="watched", class_table=None, encoder="resnet50").id
        made = [
            jobs.create(session, Settings(), kind="select", pool_id=pool_id, spec={}) for _ in range(count)
        ]
        return [job.id for job in made]


def succeed(database: Database, job_ids: list[uuid.UUID]) -> None:
    for job_id in job_ids:
        with database.write() as session:
            claimed = jobs.claim(session, job_id, worker="test", lease_s=60)
            assert claimed
            jobs.succeed(session, claimed, {"of": str(job_id)})


def test_six_hundred_requests_wait_without_a_thread(database: Database) -> None:
    """With no thread left for requests, each of 600 waiting requests still gets the end of its job."""
    job_ids = queued(database, 3)

    async def waiting() -> list[Job | None]:
        watch, limiter = Watch(database), to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        await limiter.acquire()  # the only thread is taken
        watching = asyncio.create_task(watch.run(lambda: False))
        ends = [asyncio.create_task(watch.end(job_id, 60)) for job_id in job_ids * 200]
        await asyncio.sleep(0)  # all of them wait
        await asyncio.to_thread(succeed, database, job_ids)
        found = await asyncio.gather(*ends)
        watching.cancel()
        return found

    found = asyncio.run(waiting())
    assert [job and job.result for job in found] == [{"of": str(job_id)} for job_id in job_ids * 200]


def test_waiting_ends_when_the_time_is_over_or_the_server_stops(database: Database) -> None:
    """A job that does not end is given up after the time; a stop ends every wait at once, also later ones."""
    [job_id] = queued(database, 1)

    async def given_up() -> None:
        stopping = False
        watch = Watch(database)
        watching = asyncio.create_task(watch.run(lambda: stopping))
        assert await watch.end(job_id, 0.01) is None
        ends = asyncio.create_task(watch.end(job_id, 600))
        await asyncio.sleep(0)
        stopping = True
        await watching
        await ends
        await watch.end(job_id, 600)

    asyncio.run(given_up())


def test_a_job_that_is_not_there_ends_the_wait(database: Database) -> None:
    """It may have been deleted meanwhile."""

    async def missing() -> Job | None:
        watch = Watch(database)
        watching = asyncio.create_task(watch.run(lambda: False))
        found = await watch.end(uuid.uuid4(), 600)
        watching.cancel()
        return found

    assert asyncio.run(missing()) is None


def test_a_long_history_arrives_once_and_in_order(client: Client) -> None:
    """However many metrics there were before the stream and come during it, and whether or not the server
    still has them in memory: followers get every one, once, before the state that ends the stream."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    job: dict[str, Any] = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    claimed, half = claim(client, job), MOST_LINES + 100
    report(client, claimed, range(1, half + 1))
    with client.stream("GET", f"/jobs/{job['id']}/events") as stream:
        parts = stream.iter_text()
        text = next(parts)
        while '"state":"running"' not in text:
            text += next(parts)
        report(client, claimed, range(half + 1, 2 * half + 1))
        with client.service.database.write() as session:
            jobs.succeed(session, claimed, {"model_id": "m"})
        told = events(text + "".join(parts))
    assert [data["step"] for event, data in told if event == "metric"] == list(range(1, 2 * half + 1))
    assert told[-1][1]["state"] == "succeeded"
