"""Watching and cancelling jobs."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from store import blobs, job_parts, jobs, references
from store.jobs import Claim
from store.removal.results import remove_job
from store.tables import Job
from tests.service.serving import Client
from tests.service.steps import annotate, embed_jobs, fail, new_pool, photo, put_photo, slug, succeed


@pytest.fixture
def job(client: Client) -> dict[str, Any]:
    """A queued training."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    made: dict[str, Any] = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    return made


def claim(client: Client, job: dict[str, Any]) -> Claim:
    with client.service.database.write() as session:
        claimed = jobs.claim(session, uuid.UUID(job["id"]), worker="test", lease_s=60)
    assert claimed
    return claimed


def report(client: Client, claimed: Claim, steps: range, total: int = 10) -> None:
    lines = [{"step": step, "loss": 1 / step} for step in steps]
    with client.service.database.write() as session:
        jobs.report(session, claimed, done=steps[-1], total=total, metrics=lines)


def events(text: str) -> list[tuple[str, Any]]:
    """The (event, data) pairs of a stream of server-sent events."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_job_shows_its_progress_and_its_end(client: Client, job: dict[str, Any]) -> None:
    """State, attempt, progress, times and result follow what the worker reports."""
    assert (job["state"], job["attempt"], job["progress"]["share"]) == ("queued", 0, 0)
    claimed = claim(client, job)
    report(client, claimed, range(1, 6))
    running = client.get(f"/jobs/{job['id']}").json()
    assert (running["state"], running["attempt"], running["started_at"] is None) == ("running", 1, False)
    assert running["progress"] == {"done": 5, "total": 10, "share": 0.5}
    with client.service.database.write() as session:
        jobs.succeed(session, claimed, {"model_id": "m"})
    ended = client.get(f"/jobs/{job['id']}").json()
    assert (ended["state"], ended["result"], ended["progress"]["share"]) == (
        "succeeded",
        {"model_id": "m"},
        1,
    )


def test_a_job_shows_its_estimate(client: Client, job: dict[str, Any]) -> None:
    """The estimate is null until the worker knows it; only the running attempt can report it."""
    assert job["estimate"] is None
    claimed = claim(client, job)
    estimate = {"memory_bytes": 2**30, "seconds": 90.5, "steps_per_second": 8.0}
    with client.service.database.write() as session:
        jobs.estimated(session, claimed, estimate)
    assert client.get(f"/jobs/{job['id']}").json()["estimate"] == estimate
    with client.service.database.write() as session, pytest.raises(jobs.LeaseLost):
        jobs.estimated(session, replace(claimed, attempt=2), {"seconds": 1})
    assert client.get(f"/jobs/{job['id']}").json()["estimate"] == estimate


def test_jobs_are_listed_newest_first_and_filtered(client: Client, job: dict[str, Any]) -> None:
    """Pages of one item list each job of a pool once; `state` and `kind` filter."""
    pool_id = job["pool_id"]
    later = client.post(f"/pools/{pool_id}/trainings", json={}).json()
    succeed(client, job["id"], {"model_id": "m"})

    def ids(**filters: str) -> list[str]:
        found: list[str] = []
        params: dict[str, str] = {"pool": pool_id, "limit": "1", **filters}
        while True:
            page = client.get("/jobs", params=params).json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                return found
            params["cursor"] = page["next"]

    assert ids(kind="train") == [later["id"], job["id"]]
    assert ids(state="succeeded") == [job["id"]]
    assert len(ids()) == 3


def test_only_a_training_that_has_begun_can_be_finished(client: Client, job: dict[str, Any]) -> None:
    """Its worker learns of it with the next heartbeat, once; one that has ended stays as it is."""
    address = f"/jobs/{job['id']}/finish"
    embedding = embed_jobs(client, job["pool_id"])[0]
    assert slug(client.post(f"/jobs/{embedding['id']}/finish")) == "not-finishable"
    assert slug(client.post(address)) == "not-finishable"
    claimed = claim(client, job)
    for _ in range(2):
        assert client.post(address).json()["finish_requested"]
    with client.service.database.write() as session:
        assert jobs.heartbeat(session, claimed, lease_s=60).finish
        jobs.report(session, claimed, done=3, total=10)
        jobs.succeed(session, claimed, {"model_id": "m"}, 3)
    ended = client.post(address).json()
    assert (ended["state"], ended["progress"]["done"], ended["progress"]["total"]) == ("succeeded", 3, 10)
    events = client.get(f"/pools/{job['pool_id']}/events", params={"subject": job["id"]}).json()["items"]
    assert [(event["action"], event["kind"]) for event in events] == [("finished", "job"), ("ordered", "job")]


def test_metrics_continue_after_a_step(client: Client, job: dict[str, Any]) -> None:
    """`next` of one answer is `after` of the next request; at the end it is null."""
    address = f"/jobs/{job['id']}/metrics"
    assert client.get(address).json() == {"items": [], "next": None}
    report(client, claim(client, job), range(1, 6))
    first = client.get(address, params={"limit": 2}).json()
    assert ([line["step"] for line in first["items"]], first["next"]) == ([1, 2], 2)
    rest = client.get(address, params={"after": first["next"]}).json()
    assert ([line["step"] for line in rest["items"]], rest["next"]) == ([3, 4, 5], 5)
    assert client.get(address, params={"after": 5}).json() == {"items": [], "next": None}


def test_events_report_everything_and_end_with_the_job(client: Client, job: dict[str, Any]) -> None:
    """A stream opened while the job runs sends each metric once and each state, and ends with the job."""
    claimed = claim(client, job)
    report(client, claimed, range(1, 4))
    with client.stream("GET", f"/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        parts = stream.iter_text()
        text = next(parts)
        while '"state":"running"' not in text:
            text += next(parts)
        report(client, claimed, range(4, 6))
        with client.service.database.write() as session:
            jobs.succeed(session, claimed, {"model_id": "m"})
        told = events(text + "".join(parts))
    assert [data["step"] for event, data in told if event == "metric"] == [1, 2, 3, 4, 5]
    states = [data["state"] for event, data in told if event == "state"]
    assert (states[0], states[-1], told[-1][1]["result"]) == ("running", "succeeded", {"model_id": "m"})


def test_events_are_resumed(client: Client, job: dict[str, Any]) -> None:
    """`Last-Event-ID` skips the metrics that were sent before."""
    claimed = claim(client, job)
    report(client, claimed, range(1, 6))
    with client.service.database.write() as session:
        jobs.fail(session, claimed, type="training-diverged", detail="NaN")
    address = f"/jobs/{job['id']}/events"
    told = events(client.get(address, headers={"Last-Event-ID": "3"}).text)
    assert [data["step"] for event, data in told if event == "metric"] == [4, 5]
    assert told[-1][1]["error"] == {"type": "training-diverged", "detail": "NaN"}


def test_cancelling(client: Client, job: dict[str, Any]) -> None:
    """A queued job ends immediately, a running job is asked to stop, an ended job does not change."""
    queued = client.post(f"/jobs/{job['id']}/cancel").json()
    assert queued["state"] == "cancelled"
    assert client.post(f"/jobs/{job['id']}/cancel").json() == queued
    other = client.post(f"/pools/{job['pool_id']}/trainings", json={}).json()
    claimed = claim(client, other)
    running = client.post(f"/jobs/{other['id']}/cancel").json()
    assert (running["state"], running["cancel_requested"]) == ("running", True)
    with client.service.database.write() as session:
        jobs.stopped(session, claimed)
    assert client.get(f"/jobs/{other['id']}").json()["state"] == "cancelled"


def test_embedding_cannot_be_cancelled(client: Client, job: dict[str, Any]) -> None:
    """Its photos would never be embedded, so the job goes on; the refusal has its own type."""
    [embedding] = embed_jobs(client, job["pool_id"])
    refused = client.post(f"/jobs/{embedding['id']}/cancel")
    assert (refused.status_code, slug(refused)) == (409, "not-cancellable")
    assert client.get(f"/jobs/{embedding['id']}").json() == embedding


def test_only_translate_jobs_have_an_image(client: Client, job: dict[str, Any]) -> None:
    """For other kinds of jobs the refusal says where the result is."""
    fail(client, job["id"])
    assert slug(client.get(f"/jobs/{job['id']}/output")) == "not-found"


def test_a_training_has_samples_and_a_log(client: Client, job: dict[str, Any]) -> None:
    """Sheets are listed in the order of steps, also after the end; the log is its last lines. The first sheet
    of a step stays, a later log takes the place of an earlier one, and who lost the job adds nothing.
    """
    claimed = claim(client, job)
    sheets = {step: blobs.put(client.service.blobs, [photo(step)]) for step in (10, 5)}
    with client.service.database.write() as session:
        for step, sheet in sheets.items():
            job_parts.add_sample(session, claimed, step, sheet)
        job_parts.add_sample(session, claimed, 5, sheets[10])
        for log in ("one\n", "one\ntwo\nthree\n"):
            job_parts.keep_log(session, claimed, log)
        jobs.fail(session, claimed, type="test", detail="test")
    with client.service.database.write() as session, pytest.raises(jobs.LeaseLost):
        job_parts.add_sample(session, claimed, 15, sheets[5])

    address = f"/jobs/{job['id']}"
    listed = client.get(f"{address}/samples").json()
    assert [sheet["step"] for sheet in listed["items"]] == [5, 10]
    assert client.get(f"{address}/samples", params={"after": 5}).json()["items"] == listed["items"][1:]
    assert client.get(f"{address}/samples/5").content == photo(5)
    assert slug(client.get(f"{address}/samples/15")) == "not-found"
    assert client.get(f"{address}/log", params={"tail": 2}).json() == {"lines": ["two", "three"]}


def test_a_removed_training_takes_its_samples_along(client: Client, job: dict[str, Any]) -> None:
    """No row of a sheet or a log is left, and no row names the sheet's blob."""
    claimed = claim(client, job)
    sheet = blobs.put(client.service.blobs, [photo(7070)])
    with client.service.database.write() as session:
        job_parts.add_sample(session, claimed, 5, sheet)
        job_parts.keep_log(session, claimed, "one")
        jobs.fail(session, claimed, type="test", detail="test")
    with client.service.database.write() as session:
        assert references.named(session, [sheet.sha256]) == {sheet.sha256}
        remove_job(session, session.get_one(Job, claimed.job_id))
    with client.service.database.read() as session:
        assert references.named(session, [sheet.sha256]) == set()
        assert job_parts.log(session, claimed.job_id) == ""


def test_a_failed_training_is_ordered_again(client: Client, job: dict[str, Any]) -> None:
    """The new job has the order of the one that failed; one that has not, and a question, is refused."""
    again = f"/jobs/{job['id']}/retry"
    assert slug(client.post(again)) == "not-repeatable"
    fail(client, job["id"])
    once = {"Idempotency-Key": again}
    new = client.post(again, headers=once)
    assert client.post(again, headers=once).json()["id"] == new.json()["id"]
    assert (new.status_code, new.json()["state"]) == (202, "queued")
    assert new.json()["id"] != job["id"]
    assert new.json()["training"] == job["training"]
    assert job["training"]["pairs"] == 1
    embedding = embed_jobs(client, job["pool_id"])[0]
    assert slug(client.post(f"/jobs/{embedding['id']}/retry")) == "not-repeatable"
