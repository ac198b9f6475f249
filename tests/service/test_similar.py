"""Similar images: neighbours of an image, a search by a photo, and duplicates."""

import json
import uuid
from typing import Any

import pytest

from store import blobs, jobs
from store.tables import Image
from tests.service.serving import Client
from tests.service.steps import (
    embed,
    everything,
    fail,
    new_pool,
    photo,
    put_photo,
    slug,
    succeed,
)


@pytest.fixture
def images(client: Client) -> list[dict[str, Any]]:
    """Three embedded photos of a pool."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(3)]
    embed(client, pool_id)
    return images


def spec_of(client: Client, job_id: str) -> dict[str, Any]:
    with client.service.database.read() as session:
        job = jobs.get(session, uuid.UUID(job_id))
    assert job
    return job.spec


def answer(pool_id: str, near: dict[str, Any], image_id: str | None = None) -> dict[str, Any]:
    """A Similar document as a worker makes it."""
    item = {"image_id": near["id"], "name": near["name"], "split": near["split"], "distance": 0.5}
    return {
        **{"pool_id": pool_id, "image_id": image_id, "images": 2, "typical_distance": 1.5},
        "items": [item],
    }


def held(client: Client) -> list[str]:
    folder = client.service.settings.data_dir / "blobs" / "held"
    return sorted(path.name for path in folder.iterdir())


def test_a_search_for_neighbours_is_one_job_until_photos_are_added(
    client: Client, images: list[dict[str, Any]]
) -> None:
    """The answer is 202 with a job, again with the same job, then its result; new photos give a new job."""
    ask = f"/images/{images[0]['id']}/similar?limit=5"
    waiting = client.get(ask)
    assert (waiting.status_code, waiting.headers["location"]) == (202, f"/jobs/{waiting.json()['id']}")
    job_id = waiting.json()["id"]
    assert client.get(ask).json()["id"] == job_id
    assert spec_of(client, job_id) == {"what": "similar", "image_id": images[0]["id"], "limit": 5}
    result = answer(images[0]["pool_id"], images[1], images[0]["id"])
    succeed(client, job_id, result)
    found = client.get(ask)
    assert (found.status_code, found.json()) == (200, result)
    assert client.get(f"/images/{images[0]['id']}/similar?limit=4").status_code == 202
    put_photo(client, images[0]["pool_id"], "more.jpg", photo(70))
    assert client.get(ask).status_code == 200
    embed(client, images[0]["pool_id"])
    assert client.get(ask).status_code == 202


def test_an_image_without_an_embedding_has_no_neighbours(client: Client) -> None:
    """For a waiting image the answer says to ask again, for a failed one why; an unknown one is not found."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    ask = f"/images/{image['id']}/similar"
    refused = client.get(ask)
    assert (refused.status_code, slug(refused), refused.headers["retry-after"]) == (
        *(409, "pool-not-embedded"),
        "2",
    )
    with client.service.database.write() as session:
        session.get_one(Image, uuid.UUID(image["id"])).embed_error = "OSError: broken data"
    refused = client.get(ask)
    assert (refused.status_code, slug(refused)) == (409, "image-not-embedded")
    assert "OSError: broken data" in refused.json()["detail"]
    assert slug(client.get(f"/images/{uuid.uuid4()}/similar")) == "not-found"
    assert slug(client.get(f"{ask}?limit=0")) == "validation"


@pytest.mark.parametrize("method", ["search", "duplicates"])
def test_a_pool_without_embeddings_cannot_be_searched(client: Client, method: str) -> None:
    """The refusal says what to do: for an empty pool, if its photos wait, and if all of them failed."""

    def asked() -> Any:
        if method == "search":
            return client.post(f"/pools/{pool_id}/search", content=photo(1))
        return client.get(f"/pools/{pool_id}/duplicates")

    pool_id = str(uuid.uuid4())
    assert slug(asked()) == "not-found"
    pool_id = new_pool(client)
    assert slug(asked()) == "pool-empty"
    image = put_photo(client, pool_id, "a.jpg")
    assert slug(asked()) == "pool-not-embedded"
    with client.service.database.write() as session:
        session.get_one(Image, uuid.UUID(image["id"])).embed_error = "OSError: broken data"
    assert slug(asked()) == "image-not-embedded"


def test_a_searched_photo_does_not_become_part_of_the_pool(
    client: Client, images: list[dict[str, Any]]
) -> None:
    """The answer is 202, then the result by job or by key; the job's photo is not among the blobs."""
    pool_id = images[0]["pool_id"]
    before, held_before = everything(client, pool_id), held(client)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    address = f"/pools/{pool_id}/search?limit=2"
    waiting = client.post(address, content=photo(9), headers=key)
    assert waiting.status_code == 202
    spec = spec_of(client, waiting.json()["id"])
    size = len(photo(9))
    assert {**spec, "photo": None} == {"what": "photo", "photo": None, "size_bytes": size, "limit": 2}
    assert held(client) == sorted([*held_before, spec["photo"]])
    after = everything(client, pool_id)
    assert after["images"] == before["images"]
    assert set(after["blobs"]) - set(before["blobs"]) == {f"held/{spec['photo']}"}
    again = client.post(address, content=photo(9), headers=key)
    assert again.json()["id"] == waiting.json()["id"]
    assert held(client) == sorted([*held_before, spec["photo"]])
    assert slug(client.post(address, content=photo(8), headers=key)) == "idempotency-key-reused"
    assert held(client) == sorted([*held_before, spec["photo"]])
    result = answer(pool_id, images[2])
    succeed(client, waiting.json()["id"], result)
    found = client.post(address, content=photo(9), headers=key)
    assert (found.status_code, found.json()) == (200, result)
    assert client.get(waiting.headers["location"]).json()["result"] == result


def test_a_bad_photo_is_refused_as_in_an_upload(client: Client, images: list[dict[str, Any]]) -> None:
    """A bad file gets the same problem as in an upload, and leaves neither a job nor a file."""
    pool_id = images[0]["pool_id"]
    before = everything(client, pool_id)
    assert slug(client.post(f"/pools/{pool_id}/search", content=b"text")) == "not-an-image"
    truncated = client.post(f"/pools/{pool_id}/search", content=photo(3)[:-20])
    assert slug(truncated) == "truncated-image"
    assert everything(client, pool_id) == before


def test_a_search_that_failed_says_why(client: Client, images: list[dict[str, Any]]) -> None:
    """This holds also if the search fails after the 202; the next request makes a new job."""
    ask = f"/images/{images[0]['id']}/similar"
    first = client.get(ask).json()["id"]
    fail(client, first, "No such index.")
    told = client.get(ask)
    assert (told.status_code, slug(told)) == (409, "job-failed")
    assert told.json()["detail"] == "The job failed: No such index."
    assert client.get(ask).json()["id"] != first


def test_duplicates_are_found_once_for_a_threshold(client: Client, images: list[dict[str, Any]]) -> None:
    """The answer is the worker's document, with an ETag of its content, and caches must revalidate it."""
    pool_id = images[0]["pool_id"]
    ask = f"/pools/{pool_id}/duplicates"
    job = client.get(ask).json()
    assert spec_of(client, job["id"]) == {"what": "duplicates", "within": None}
    assert client.get(f"{ask}?within=auto").json()["id"] == job["id"]
    given = client.get(f"{ask}?within=0.5").json()
    assert spec_of(client, given["id"]) == {"what": "duplicates", "within": 0.5}
    document = {
        **{"pool_id": pool_id, "within": 0.4, "typical_distance": 1.5, "images": 3, "duplicates": 0},
        **{"group_count": 0, "across": 0, "groups": []},
    }
    blob = blobs.put(client.service.blobs, [json.dumps(document).encode()])
    succeed(client, job["id"], {"duplicates": {"sha256": blob.sha256, "size": blob.size}})
    found = client.get(ask)
    assert (found.status_code, found.json()) == (200, document)
    assert found.headers["cache-control"] == "no-cache"
    assert client.get(ask, headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    for nonsense in ("-1", "nan", "inf", "near"):
        assert slug(client.get(f"{ask}?within={nonsense}")) == "validation"


def test_duplicates_wait_until_every_image_is_embedded(client: Client, images: list[dict[str, Any]]) -> None:
    """A photo that is not embedded yet could be a duplicate of any other."""
    pool_id = images[0]["pool_id"]
    put_photo(client, pool_id, "late.jpg", photo(71), split="test")
    refused = client.get(f"/pools/{pool_id}/duplicates")
    assert (slug(refused), refused.headers["retry-after"]) == ("pool-not-embedded", "2")
    assert "not embedded yet (1)" in refused.json()["detail"]
    embed(client, pool_id)
    assert client.get(f"/pools/{pool_id}/duplicates").status_code == 202
