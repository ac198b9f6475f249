import json
import threading
import uuid
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from models.similarity import DUPLICATE_SHARE, typical_distance
from service.similar.schemas import Duplicates, Similar
from store.tables import Image, Job, Pool
from tests import published
from tests.worker.factories import Pools, scene
from tests.worker.planted import planted
from worker.attempt import Attempt, Tools
from worker.handlers import search as searching
from worker.run import HANDLERS, run


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both databases."""
    asked = getattr(request, "param", "sqlite")
    return str(request.getfixturevalue("postgres_url")) if asked == "postgresql" else ""


@pytest.fixture
def pool_id(pools: Pools) -> uuid.UUID:
    """A pool of eight embedded images. The last one is a test image and equals the first one."""
    pool_id = pools.pool()
    points = np.random.default_rng(0).normal(size=(7, 5))
    planted(pools, pool_id, points[:4])
    planted(pools, pool_id, points[4:])
    planted(pools, pool_id, points[:1], split="test")
    return pool_id


@pytest.fixture
def photos_id(tools: Tools, pools: Pools, shutdown: threading.Event) -> uuid.UUID:
    """A pool of four photos, embedded by an encoder."""
    pool_id = pools.pool()
    job_id, _ = pools.photos(pool_id, [scene(seed)[0] for seed in range(4)])
    run(job_id, tools, shutdown)
    return pool_id


def searched(pools: Pools, shutdown: threading.Event, pool_id: uuid.UUID, **spec: Any) -> Job:
    """Run a search to its end, and check what it found against the API's schema."""
    job_id = pools.job(pool_id, "search", spec)
    run(job_id, pools.tools, shutdown)
    job = pools.get(job_id)
    if job.result and spec["what"] in ("similar", "photo"):
        published.check(Similar, job.result)
    return job


def hold(tools: Tools, content: bytes) -> str:
    with tools.blobs.incoming() as incoming:
        incoming.write(content)
        return incoming.hold()


def plain_distances(tools: Tools, pool_id: uuid.UUID, image_id: uuid.UUID) -> dict[str, float]:
    """The distances of all images to one, by id, computed from the matrix without the library."""
    vectors = tools.vectors.pool_vectors(pool_id)
    matrix = np.asarray(vectors.matrix, np.float64)
    apart = np.linalg.norm(matrix - matrix[vectors.image_ids.index(image_id)], axis=1)
    return {str(id): float(distance) for id, distance in zip(vectors.image_ids, apart, strict=True)}


def test_neighbours_come_nearest_first_without_the_image_itself(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """All other images of both splits come with distances and names; `limit` shortens the list."""
    vectors = tools.vectors.pool_vectors(pool_id)
    first, last = min(vectors.image_ids), max(vectors.image_ids)
    spec = {"what": "similar", "image_id": str(first)}

    job = searched(pools, shutdown, pool_id, **spec, limit=50)

    assert job.result, job.error
    expected = plain_distances(tools, pool_id, first)
    del expected[str(first)]
    items = job.result["items"]
    assert {item["image_id"]: item["distance"] for item in items} == pytest.approx(expected, abs=1e-5)
    assert [item["distance"] for item in items] == sorted(item["distance"] for item in items)
    assert (items[0]["image_id"], items[0]["distance"]) == (str(last), 0)
    assert sorted(item["split"] for item in items) == ["test"] + ["train"] * 6
    assert (job.result["image_id"], job.result["images"]) == (str(first), 7)
    assert job.result["typical_distance"] == pytest.approx(typical_distance(vectors.matrix))
    few = searched(pools, shutdown, pool_id, **spec, limit=2)
    assert few.result
    assert few.result["items"] == items[:2]


def test_an_image_that_has_many_equals_is_not_among_its_neighbours(
    pools: Pools, shutdown: threading.Event
) -> None:
    """Even if the search does not find the image itself, the answer has `limit` other images."""
    pool_id = pools.pool()
    images = planted(pools, pool_id, np.ones((5, 3)))
    for image_id in images:
        job = searched(pools, shutdown, pool_id, what="similar", image_id=str(image_id), limit=2)
        assert job.result
        found = [item["image_id"] for item in job.result["items"]]
        assert len(found) == 2
        assert str(image_id) not in found


def test_an_uploaded_photo_finds_itself_and_is_deleted(
    tools: Tools, pools: Pools, photos_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The copy of the photo in the pool is at distance 0, apart from rounding; the upload is deleted."""
    held = hold(tools, scene(2)[0])

    job = searched(pools, shutdown, photos_id, what="photo", photo=held, limit=3)

    assert job.result, job.error
    items = job.result["items"]
    assert (len(items), job.result["image_id"], job.result["images"]) == (3, None, 4)
    assert items[0]["distance"] < 0.01 * job.result["typical_distance"]
    assert items[1]["distance"] > 0.1 * job.result["typical_distance"]
    with tools.database.read() as session:
        name = session.get_one(Image, uuid.UUID(items[0]["image_id"])).name
    assert items[0]["name"] == name
    assert list((tools.settings.data_dir / "blobs" / "held").iterdir()) == []


def test_the_photo_is_kept_until_the_result_is_written(
    tools: Tools,
    pools: Pools,
    photos_id: uuid.UUID,
    shutdown: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that dies before its result is written leaves the photo to the next attempt."""

    def handled_in_vain(attempt: Attempt) -> Any:
        search(attempt)
        raise RuntimeError("killed")

    search = HANDLERS["search"]
    held = hold(tools, scene(2)[0])
    monkeypatch.setitem(HANDLERS, "search", handled_in_vain)
    job = searched(pools, shutdown, photos_id, what="photo", photo=held, limit=1)
    assert job.state == "queued"
    monkeypatch.undo()
    run(job.id, tools, shutdown)
    assert pools.get(job.id).state == "succeeded"


def test_a_photo_that_cannot_be_compared_fails_for_good(
    tools: Tools, pools: Pools, photos_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The error says whether the photo is unreadable or the pool was embedded with other weights."""
    job = searched(pools, shutdown, photos_id, what="photo", photo=hold(tools, b"text"), limit=1)
    assert (job.state, job.error and job.error["type"]) == ("failed", "not-an-image")
    with tools.database.write() as session:
        session.get_one(Pool, photos_id).weights_digest = "0" * 64
    job = searched(pools, shutdown, photos_id, what="photo", photo=hold(tools, scene(2)[0]), limit=1)
    assert (job.state, job.error and job.error["type"]) == ("failed", "encoder-mismatch")


def duplicates(tools: Tools, job: Job) -> dict[str, Any]:
    assert job.result, job.error
    with tools.blobs.open(job.result["duplicates"]["sha256"]) as file:
        document: dict[str, Any] = json.load(file)
    published.check(Duplicates, document)
    return document


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_duplicates_are_grouped_under_the_one_that_was_first(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Equal photos are a group at threshold 0; the default is a share of the typical distance."""
    vectors = tools.vectors.pool_vectors(pool_id)
    first, last = min(vectors.image_ids), max(vectors.image_ids)

    exact = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=0.0))

    [group] = exact["groups"]
    assert (exact["group_count"], exact["across"], group["count"]) == (1, 1, 2)
    assert [image["image_id"] for image in group["images"]] == [str(first), str(last)]
    assert [image["distance"] for image in group["images"]] == [0, 0]
    assert (exact["images"], exact["duplicates"], exact["within"]) == (8, 1, 0)
    auto = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=None))
    assert auto["within"] == pytest.approx(DUPLICATE_SHARE * auto["typical_distance"])
    all_of_them = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=1e3))
    [group] = all_of_them["groups"]
    assert group["images"][0]["image_id"] == str(first)
    apart = {image["image_id"]: image["distance"] for image in group["images"]}
    assert apart == pytest.approx(plain_distances(tools, pool_id, first), abs=1e-5)
    assert list(apart.values()) == sorted(apart.values())
    assert all_of_them["duplicates"] == 7


def test_an_excluded_photo_is_no_duplicate(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Neither in groups nor across splits: it does not count as being there."""
    ids = tools.vectors.pool_vectors(pool_id).image_ids
    first, last = min(ids), max(ids)
    across = {"what": "across", "image_id": str(last), "split": "train"}

    found = searched(pools, shutdown, pool_id, **across)
    assert found.result, found.error
    assert [(item["image_id"], item["distance"]) for item in found.result["items"]] == [(str(first), 0)]
    with tools.database.write() as session:
        session.execute(update(Image).where(Image.id == first).values(excluded=True))

    found = searched(pools, shutdown, pool_id, **across)
    assert found.result, found.error
    assert found.result["items"] == []
    exact = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=0.0))
    assert (exact["images"], exact["groups"]) == (7, [])


def test_a_split_is_searched_without_the_photo_itself(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """All equals of one split are found, and none of the other split."""
    pool_id = pools.pool()
    train = planted(pools, pool_id, np.concatenate([np.ones((2, 3)), np.eye(3)]))
    planted(pools, pool_id, np.ones((1, 3)), split="test")

    found = searched(pools, shutdown, pool_id, what="across", image_id=str(train[0]), split="train")

    assert found.result, found.error
    assert [item["image_id"] for item in found.result["items"]] == [str(train[1])]


def test_of_many_duplicates_the_nearest_are_listed(
    tools: Tools, pools: Pools, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document lists at most `MOST_OF_A_GROUP` images of a group, the first and the nearest to it, and
    only the largest groups, `MOST_LISTED` images in all. The counts include everything.
    """
    pool_id = pools.pool()
    ids = planted(pools, pool_id, [[0.0], [0.5], [0.1], [0.2], [10], [10], [20], [20], [30]])
    planted(pools, pool_id, [[0.3], [20]], split="test")
    monkeypatch.setattr(searching, "MOST_OF_A_GROUP", 3)
    monkeypatch.setattr(searching, "MOST_LISTED", 6)
    found = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=1.0))
    listed = [(g["count"], [image["image_id"] for image in g["images"]]) for g in found["groups"]]
    assert listed[0] == (5, [str(ids[row]) for row in (0, 2, 3)])
    assert [(count, len(images)) for count, images in listed] == [(5, 3), (3, 3)]
    assert (found["group_count"], found["duplicates"], found["across"]) == (3, 7, 2)


def test_a_single_image_has_no_typical_distance(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """It has neither neighbours nor duplicates, and the typical distance of two images is null."""
    pool_id = pools.pool()
    [image_id] = planted(pools, pool_id, np.ones((1, 3)))
    job = searched(pools, shutdown, pool_id, what="similar", image_id=str(image_id), limit=3)
    assert job.result
    assert (job.result["items"], job.result["images"], job.result["typical_distance"]) == ([], 0, None)
    found = duplicates(tools, searched(pools, shutdown, pool_id, what="duplicates", within=None))
    assert (found["groups"], found["within"], found["typical_distance"]) == ([], 0, None)
