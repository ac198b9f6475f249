"""Suggestions: what they are learned from, who waits for them, and what becomes of them."""

import io
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from store import blobs, jobs, retention
from store.tables import Job
from tests.processes import until
from tests.service.serving import Client
from tests.service.steps import (
    CLASSES,
    add_model,
    annotate,
    label_map,
    new_pool,
    photo,
    put_photo,
    slug,
    succeed,
)


@pytest.fixture
def pool_id(client: Client) -> str:
    return new_pool(client)


@pytest.fixture
def image_id(client: Client, pool_id: str) -> str:
    return str(put_photo(client, pool_id, "a.jpg", photo(0))["id"])


def spec_of(client: Client, job_id: str) -> dict[str, Any]:
    with client.service.database.read() as session:
        job = jobs.get(session, uuid.UUID(job_id))
    assert job
    return job.spec


def strokes(width: int = 32, length: int = 5) -> bytes:
    """A stroke of class 1 in an otherwise unlabelled map."""
    drawn = np.full((24, width), CLASSES["ignore"], np.uint8)
    drawn[3, :length] = 1
    content = io.BytesIO()
    Image.fromarray(drawn).save(content, "PNG")
    return content.getvalue()


def ask(client: Client, image_id: str, content: bytes = b"") -> httpx.Response:
    return client.post(f"/images/{image_id}/suggestion", content=content)


def test_it_is_learned_from_finished_train_photos_and_strokes(
    client: Client, pool_id: str, image_id: str
) -> None:
    """The job names the newest revisions of other train photos in use, newest first, and the strokes; the
    answer says so, and the files of the job are the two pictures.
    """
    others = [put_photo(client, pool_id, f"{n}.jpg", photo(n))["id"] for n in range(1, 5)]
    test = put_photo(client, pool_id, "test.jpg", photo(9), split="test")["id"]
    for one in (*others, test, image_id):
        annotate(client, one)
    replaced = {"content": label_map(0), "headers": {"If-Match": '"1"'}}
    client.put(f"/images/{others[0]}/annotation", **replaced).raise_for_status()
    client.delete(f"/images/{others[1]}/annotation", headers={"If-Match": '"1"'}).raise_for_status()
    client.patch(f"/images/{others[2]}", json={"excluded": True}).raise_for_status()

    pool = client.get(f"/pools/{pool_id}").json()
    waiting = ask(client, image_id, strokes())
    assert (waiting.status_code, waiting.json()["kind"]) == (202, "suggest")
    spec = spec_of(client, waiting.json()["id"])
    assert spec["pairs"] == [[others[0], 2], [others[3], 1]]
    with client.service.blobs.open(spec["strokes"]) as file, Image.open(file) as sent:
        assert np.array_equal(np.array(sent), np.array(Image.open(io.BytesIO(strokes()))))
    made = {
        name: blobs.put(client.service.blobs, [label_map(value)])
        for name, value in (("label_map", 1), ("doubt", 0))
    }
    succeed(client, waiting.json()["id"], {n: {"sha256": b.sha256, "size": b.size} for n, b in made.items()})

    found = ask(client, image_id, strokes())
    job_id = waiting.json()["id"]
    assert (found.status_code, found.json()) == (
        200,
        {"job_id": job_id, "image_id": image_id, "source": "strokes", "finished": 2, "model_id": None},
    )
    pictures = {}
    for format in (None, "label_map", "doubt"):
        content = client.get(f"/jobs/{job_id}/output", params={"format": format} if format else {}).content
        pictures[format] = Image.open(io.BytesIO(content))
    assert pictures[None].mode == pictures["label_map"].mode == "P"
    assert pictures["doubt"].mode == "L"
    for format, value in (("label_map", 1), ("doubt", 0)):
        assert np.array_equal(np.array(pictures[format]), np.array(Image.open(io.BytesIO(label_map(value)))))
    assert slug(client.get(f"/jobs/{job_id}/output", params={"format": "rgb"})) == "not-found"
    assert client.get(f"/pools/{pool_id}").json() == pool


def test_a_newer_question_takes_the_place_of_an_older_one(
    client: Client, pool_id: str, image_id: str
) -> None:
    """Of one person's questions about an image only the newest waits; others' and those about other images
    stay. The cancelled job's question can be asked again.
    """
    other_image = str(put_photo(client, pool_id, "b.jpg", photo(1))["id"])
    annotate(client, other_image)
    first = ask(client, image_id).json()["id"]
    elsewhere = ask(client, other_image, strokes()).json()["id"]
    with client.service.database.write() as session:
        theirs = jobs.create(
            session,
            client.service.settings,
            kind="suggest",
            pool_id=uuid.UUID(pool_id),
            spec=spec_of(client, first),
        )
        theirs.principal_id = uuid.uuid4()
    second = ask(client, image_id, strokes()).json()["id"]
    asked = (first, elsewhere, str(theirs.id), second)
    states = [client.get(f"/jobs/{id}").json()["state"] for id in asked]
    assert states == ["cancelled", "queued", "queued", "queued"]
    assert ask(client, image_id, strokes()).json()["id"] == second
    assert ask(client, image_id).json()["id"] not in (first, second)


def test_an_older_question_that_arrives_late_leaves_the_newer_one(client: Client, image_id: str) -> None:
    """The newer one is asked and kept while the older one's strokes are on their way."""
    newer = list[str]()
    arriving = client.service.settings.data_dir / "blobs" / "incoming"

    def slowly() -> Iterator[bytes]:
        yield strokes()[:20]
        until(lambda: any(arriving.iterdir()), "the arrival of the first strokes")
        newer.append(ask(client, image_id, strokes(length=7)).json()["id"])
        yield strokes()[20:]

    client.post(f"/images/{image_id}/suggestion", content=slowly()).raise_for_status()
    assert client.get(f"/jobs/{newer[0]}").json()["state"] == "queued"


def test_what_cannot_be_suggested_is_refused(client: Client, pool_id: str, image_id: str) -> None:
    """Nothing to learn from, also if no pixel of the strokes is labelled; strokes of another size; no model;
    a model of another pool; a pool without classes.
    """
    for content in (b"", strokes(length=0)):
        refused = ask(client, image_id, content)
        assert (refused.status_code, slug(refused)) == (409, "nothing-to-learn-from")
    assert slug(ask(client, image_id, strokes(width=31))) == "label-map-size"
    assert slug(client.get(f"/images/{image_id}/suggestion")) == "no-model"
    their_pool = new_pool(client)
    annotate(client, put_photo(client, their_pool, "a.jpg")["id"])
    elsewhere = add_model(client, their_pool)
    assert slug(client.get(f"/images/{image_id}/suggestion?model={elsewhere}")) == "not-found"
    rgb = put_photo(client, new_pool(client, "rgb"), "a.jpg")["id"]
    assert slug(ask(client, rgb)) == "no-classes"
    assert slug(client.get(f"/images/{rgb}/suggestion")) == "no-classes"


def test_the_newest_or_a_named_model_suggests(client: Client, pool_id: str, image_id: str) -> None:
    """Without a name it is the newest model; the same question is the same job; strokes do not replace it."""
    annotate(client, image_id)
    old, new = add_model(client, pool_id), add_model(client, pool_id)
    address = f"/images/{image_id}/suggestion"
    newest, named = (client.get(address + query).json()["id"] for query in ("", f"?model={old}"))
    assert [spec_of(client, id)["model_id"] for id in (newest, named)] == [new, old]
    assert ask(client, image_id, strokes()).status_code == 202
    assert client.get(address).json()["id"] == newest
    blob = blobs.put(client.service.blobs, [label_map(1)])
    file = {"sha256": blob.sha256, "size": blob.size}
    succeed(client, newest, {"label_map": file, "doubt": file})
    assert client.get(address).json() == {
        **{"job_id": newest, "image_id": image_id, "source": "model", "finished": 0, "model_id": new},
    }


def test_suggestions_are_listed_and_told_nowhere_and_removed_after_an_hour(
    client: Client, pool_id: str, image_id: str
) -> None:
    """The list of jobs has them only by their kind; their rows and blobs go before those of other jobs."""
    job_id = ask(client, image_id, strokes()).json()["id"]
    assert job_id not in [job["id"] for job in client.get(f"/jobs?pool={pool_id}").json()["items"]]
    assert [job["id"] for job in client.get(f"/jobs?pool={pool_id}&kind=suggest").json()["items"]] == [job_id]
    blob = blobs.put(client.service.blobs, [label_map(1)])
    file = {"sha256": blob.sha256, "size": blob.size}
    succeed(client, job_id, {"label_map": file, "doubt": file})
    for age, left in ((59, 1), (61, 0)):
        with client.service.database.write() as session:
            job = session.get_one(Job, uuid.UUID(job_id))
            assert job.finished_at
            job.finished_at = job.created_at - timedelta(minutes=age)
        with client.service.database.write() as session:
            retention.remove_old_jobs(session, client.service.settings.keep_jobs_s)
        assert len(client.get(f"/jobs?pool={pool_id}&kind=suggest").json()["items"]) == left
