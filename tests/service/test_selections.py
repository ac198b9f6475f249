"""Asking which images to label."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from store import jobs
from store.settings import Settings
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import (
    add_selection,
    annotate,
    embed,
    embed_jobs,
    fail,
    new_pool,
    photo,
    put_photo,
    slug,
)


def embedded_pool(client: Client, count: int = 4) -> tuple[str, list[dict[str, Any]]]:
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(count)]
    embed(client, pool_id)
    return pool_id, images


def document(job: dict[str, Any], images: list[dict[str, Any]]) -> dict[str, Any]:
    """A Selection such as a worker writes."""
    return {
        "id": str(uuid.uuid4()),
        "pool_id": job["pool_id"],
        "budget": 1,
        "strategy": "kmedoids",
        "seed": 0,
        "picks": [
            {
                "rank": 1,
                "image_id": images[0]["id"],
                "name": images[0]["name"],
                "cluster_size": len(images),
                "mean_distance": 0.5,
                "coverage": 0.5,
            }
        ],
        "coverage": {"mean": 0.5, "maximum": 0.9},
        "receipt": {
            "image_count": len(images),
            "images_digest": "0" * 64,
            "encoder": "resnet50",
            "weights_digest": "0" * 64,
            "annotated_digest": "0" * 64,
            "algorithm_version": "1",
            "seed": 0,
        },
    }


def test_a_selection_is_a_job_until_it_is_made(client: Client) -> None:
    """202 with the job's address while it is queued, the same job when asked again, then 200 and picks."""
    pool_id, images = embedded_pool(client)
    ask = f"/pools/{pool_id}/select?budget=1"
    waiting = client.get(ask)
    assert (waiting.status_code, waiting.headers["location"]) == (202, f"/jobs/{waiting.json()['id']}")
    assert client.get(ask).json()["id"] == waiting.json()["id"]
    made = document(waiting.json(), images)
    add_selection(client, waiting.json(), made)
    answer = client.get(ask)
    assert (answer.status_code, answer.json()) == (200, made)


def test_a_selection_that_is_made_in_time_is_the_answer(tmp_path: Path) -> None:
    """The request waits a moment, so that a quick worker's picks come with it."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=60)
    with serve(settings) as client, ThreadPoolExecutor() as thread:
        pool_id, images = embedded_pool(client)
        asked = thread.submit(client.get, f"/pools/{pool_id}/select?budget=1")
        listed = f"/jobs?pool={pool_id}&kind=select"
        until(lambda: client.get(listed).json()["items"], "a select job")
        [job] = client.get(listed).json()["items"]
        made = document(job, images)
        add_selection(client, job, made)
        assert (asked.result().status_code, asked.result().json()) == (200, made)


def test_new_photos_and_annotations_make_a_new_question(client: Client) -> None:
    """The same question is one job; another budget, seed, strategy, photo or annotation makes another."""
    pool_id, images = embedded_pool(client)

    def asked(**question: Any) -> str:
        answer = client.get(f"/pools/{pool_id}/select", params={"budget": 1, **question})
        job_id: str = answer.json()["id"]
        return job_id

    made = [asked(), asked(), asked(budget=2), asked(seed=1), asked(strategy="random")]
    annotate(client, images[0]["id"])
    made += [asked(), asked()]
    put_photo(client, pool_id, "t.jpg", photo(77), split="test")
    made.append(asked())
    put_photo(client, pool_id, "new.jpg", photo(78))
    embed(client, pool_id)
    made.append(asked())
    assert [made.index(job) for job in made] == [0, 0, 2, 3, 4, 5, 5, 5, 8]


def test_annotated_images_cannot_be_picked(client: Client) -> None:
    """A budget that only annotated images could fill exceeds the pool."""
    pool_id, images = embedded_pool(client, 2)
    annotate(client, images[0]["id"])
    assert client.get(f"/pools/{pool_id}/select?budget=1").status_code == 202
    refused = client.get(f"/pools/{pool_id}/select?budget=2")
    assert (refused.status_code, slug(refused)) == (409, "budget-exceeds-pool")


def test_failed_embedding_is_started_again_by_asking(client_of_each: Client) -> None:
    """The question says why embedding had failed and makes a new job of the same photos, once; then picks."""
    client = client_of_each
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    put_photo(client, pool_id, "t.jpg", split="test")
    [failed] = embed_jobs(client, pool_id)
    fail(client, failed["id"], "The weights are not there: put them there.")
    ask = f"/pools/{pool_id}/select?budget=1"
    refused = client.get(ask)
    assert (slug(refused), refused.json()["waiting"]) == ("pool-not-embedded", 1)
    assert "started again. It had failed: The weights are not there: put them" in refused.json()["detail"]
    again = client.get(ask).json()
    assert "`waiting` has come down to 0." in again["detail"]
    assert "again. It had failed" not in again["detail"]
    [queued] = embed_jobs(client, pool_id)
    assert (queued["id"] == failed["id"], queued["progress"]["total"]) == (False, 2)
    embed(client, pool_id)
    assert client.get(ask).status_code == 202


@pytest.mark.parametrize("number", [0, 99])
def test_embedding_that_ended_is_started_again_by_any_upload(client: Client, number: int) -> None:
    """A photo that is there already, and a new one, put the stranded photos into new, rung, full jobs."""
    pool_id = new_pool(client)
    chunk = client.service.settings.embed_chunk
    for n in range(chunk + 1):
        put_photo(client, pool_id, f"{n}.jpg", photo(n))
    newest, oldest = embed_jobs(client, pool_id)
    fail(client, oldest["id"])
    with client.service.database.write() as session:
        jobs.cancel(session, uuid.UUID(newest["id"]))
    client.put(f"/pools/{pool_id}/images/{number}.jpg", content=photo(number))
    queued = embed_jobs(client, pool_id)
    assert sorted(job["progress"]["total"] for job in queued) == sorted([chunk, 1] + [1] * (number == 99))
    embed(client, pool_id)
    assert client.get(f"/pools/{pool_id}/select?budget=1").status_code == 202


def test_a_select_job_is_told_the_question_and_no_more(client: Client) -> None:
    """The digests of its idempotency key are not for the worker, which reads the pool anew."""
    pool_id, _ = embedded_pool(client, 1)
    job_id = uuid.UUID(client.get(f"/pools/{pool_id}/select?budget=1").json()["id"])
    with client.service.database.read() as session:
        job = jobs.get(session, job_id)
    assert job
    assert job.spec == {"budget": 1, "strategy": "kmedoids", "seed": 0}


def test_a_failed_selection_is_reported_once_and_then_tried_anew(client: Client) -> None:
    """A failure does not answer the question for ever."""
    pool_id, _ = embedded_pool(client)
    ask = f"/pools/{pool_id}/select?budget=1"
    first = client.get(ask).json()["id"]
    fail(client, first)
    second = client.get(ask)
    assert (second.status_code, second.json()["id"] == first) == (202, False)
    client.post(f"/jobs/{second.json()['id']}/cancel")
    assert client.get(ask).json()["id"] not in (first, second.json()["id"])
