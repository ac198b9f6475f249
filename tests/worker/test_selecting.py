import threading
import uuid
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select as sql_select
from sqlalchemy import update

from models import selection
from store import embeddings
from store.selections import candidates
from store.tables import Image, Selection
from tests.worker.factories import Pools, scene
from worker.attempt import Tools
from worker.run import run
from worker.selecting import embedding_matrix


def spec(**values: Any) -> dict[str, Any]:
    return {"budget": 3, "strategy": "kmedoids", "seed": 7, **values}


@pytest.fixture
def pool_id(tools: Tools, pools: Pools, shutdown: threading.Event) -> uuid.UUID:
    """Ten train and two test images in two shards, embedded in another order than they were added."""
    pool_id = pools.pool()
    scenes = [scene(seed)[0] for seed in range(12)]
    first, images = pools.photos(pool_id, scenes[:6])
    second, _ = pools.photos(pool_id, scenes[6:])
    with tools.database.write() as session:
        session.execute(update(Image).where(Image.id.in_([images[0], images[3]])).values(split="test"))
    for job_id in (second, first):
        run(job_id, tools, shutdown)
    return pool_id


def test_rows_of_all_shards_come_in_image_order(tools: Tools, pool_id: uuid.UUID) -> None:
    """The matrix has one row per train image, in the order of ids, whatever the order of the shards."""
    with tools.database.read() as session:
        images = embeddings.embedded_train_images(session, pool_id)
        shards = embeddings.shards(session, pool_id)
    matrix = embedding_matrix(tools.blobs, images, shards)

    assert [image.split for image in images] == ["train"] * 10
    assert matrix.shape == (10, 1280)
    for image, row in zip(images, matrix, strict=True):
        [shard] = [shard for shard in shards if image.id.hex in shard.image_ids]
        with tools.blobs.open(shard.sha256) as file:
            block = np.load(file, allow_pickle=False)
        assert np.array_equal(row, block[shard.image_ids.index(image.id.hex)])


def test_a_selection_says_what_it_chose_from(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The document has the picks of the library with names and ids, the coverage and a full receipt."""
    with tools.database.read() as session:
        images = embeddings.embedded_train_images(session, pool_id)
        shards = embeddings.shards(session, pool_id)
    pools.annotation(images[4].id, scene(4)[1])
    job_id = pools.job(pool_id, "select", spec())

    run(job_id, tools, shutdown)

    with tools.database.read() as session:
        row = session.scalars(sql_select(Selection)).one()
        state = candidates(session, pool_id)
    assert pools.get(job_id).result == {"selection_id": str(row.id)}
    document = row.document
    matrix = embedding_matrix(tools.blobs, images, shards)
    expected = selection.select("kmedoids", matrix, 3, seed=7, labelled=[4])
    assert [pick["image_id"] for pick in document["picks"]] == [
        str(images[p.index].id) for p in expected.picks
    ]
    assert document["picks"][0].keys() == {
        *("rank", "image_id", "name", "cluster_size", "mean_distance", "coverage")
    }
    assert document["coverage"]["mean"] == pytest.approx(document["picks"][-1]["coverage"])
    assert document["receipt"] == {
        "image_count": 10,
        "images_digest": state.images_digest,
        "encoder": "efficientnet_lite0",
        "weights_digest": tools.loaded.encoder("efficientnet_lite0").weights_digest,
        "annotated_digest": state.annotated_digest,
        "algorithm_version": expected.algorithm_version,
        "seed": 7,
    }


def test_the_same_request_gives_the_same_picks(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Two jobs with the same spec pick the same images; another seed makes another random draw."""
    for seed in (1, 1, 2):
        run(pools.job(pool_id, "select", spec(strategy="random", seed=seed)), tools, shutdown)

    with tools.database.read() as session:
        rows = session.scalars(sql_select(Selection).order_by(Selection.id)).all()
    first, again, other = ([pick["image_id"] for pick in row.document["picks"]] for row in rows)
    assert first == again
    assert first != other


def test_a_budget_above_what_is_left_fails_for_good(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """When images were annotated since the request, the job says how many are left to pick from."""
    job_id = pools.job(pool_id, "select", spec(budget=11))

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "budget-exceeds-pool"
    assert "10" in job.error["detail"]
