"""The patches of pools: computed with the embeddings or when they are needed first, and mapped in order."""

import threading
import uuid
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from models.encoders.encoder import Encoder
from models.selection import select as select_by
from store.tables import Selection, Shard
from tests.worker.factories import Pools, scene
from tests.worker.planted import add_shard, patches_of, planted
from worker.attempt import Tools
from worker.handlers.embed import SHARD_IMAGES
from worker.run import run


@pytest.fixture
def database_url() -> str:
    return ""


def ask(tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event, **options: Any) -> Any:
    """The job of a selection by `words`, after it has run."""
    question = {"budget": 3, "strategy": "words", "seed": 7, "test_distance": "off", **options}
    job_id = pools.job(pool_id, "select", {"question": question, "up_to": None})
    run(job_id, tools, shutdown)
    return pools.get(job_id)


def picked(tools: Tools, job: Any) -> list[str]:
    assert job.state == "succeeded", job.error
    with tools.database.read() as session:
        document = session.get_one(Selection, uuid.UUID(job.result["selection_id"])).document
    return [pick["image_id"] for pick in document["picks"]]


def forget_patches(tools: Tools) -> list[str]:
    """Make all shards as old as those that have no patches. Returns the digests that they had."""
    with tools.database.write() as session:
        known = list(session.scalars(select(Shard.patches_sha256).order_by(Shard.id)))
        session.execute(update(Shard).values(patches_sha256=None))
    return [digest for digest in known if digest]


def test_rows_belong_to_the_same_images_as_embeddings(tools: Tools, pools: Pools) -> None:
    """In shards added one after the other, row n of the patches and row n of the embeddings are one image's,
    also after the file was damaged.
    """
    pool_id = pools.pool()
    rng = np.random.default_rng(0)
    for count in (3, 1, 4):
        planted(pools, pool_id, rng.normal(size=(count, 5)))
        vectors = tools.vectors.pool_vectors(pool_id)
        assert np.array_equal(tools.patches.pool_patches(pool_id), patches_of(vectors.matrix))
    damaged = tools.settings.cache_dir / "vectors" / str(pool_id) / "patches"
    damaged.write_bytes(damaged.read_bytes()[:-2])
    assert np.array_equal(tools.patches.pool_patches(pool_id), patches_of(vectors.matrix))


def test_embedding_keeps_patches_which_older_shards_get_when_they_are_needed(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """An embed job keeps the patches. Without them, a selection by `words` computes the same ones, and picks
    what the library picks from them.
    """
    pool_id = pools.pool()
    contents = [scene(seed)[0] for seed in range(4)] * (SHARD_IMAGES // 4) + [scene(9)[0]] * 2
    job_id, ids = pools.photos(pool_id, contents)
    run(job_id, tools, shutdown)
    before = forget_patches(tools)
    assert len(before) == 2

    job = ask(tools, pools, pool_id, shutdown)

    assert forget_patches(tools) == before
    vectors, features = tools.vectors.pool_vectors(pool_id), tools.patches.pool_patches(pool_id)
    rows = vectors.rows(ids)
    expected = select_by("words", vectors.matrix[rows], 3, seed=7, patches=features[rows])
    assert picked(tools, job) == [str(ids[pick.index]) for pick in expected.picks]


def test_an_encoder_without_feature_maps_is_refused(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """If the pool's encoder gives no patches, the job fails and says what else to take."""
    pool_id = pools.pool(encoder="onnx:mine.onnx")
    planted(pools, pool_id, np.eye(5))
    forget_patches(tools)
    mine = Encoder("onnx:mine.onnx", 5, "0" * 64, "cpu", 1, lambda photos: pytest.fail("not to be run"))
    tools.networks.encoder = lambda name: mine  # type: ignore[assignment]
    error = ask(tools, pools, pool_id, shutdown).error
    assert error["type"] == "no-patches"
    assert "onnx:mine.onnx" in error["detail"]
    assert "efficientnet_lite0" in error["detail"]


def test_the_order_of_shards_does_not_matter(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """Images get their own patches if the shards were made in another order than the images were added."""
    pool_id = pools.pool()
    rows = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float16)
    first_job, first = pools.photos(pool_id, [scene(seed)[0] for seed in range(6)])
    second_job, second = pools.photos(pool_id, [scene(seed)[0] for seed in range(6, 12)])
    add_shard(pools, pool_id, second_job, second, rows[6:])
    add_shard(pools, pool_id, first_job, first, rows[:6])
    job = ask(tools, pools, pool_id, shutdown)
    expected = select_by("words", rows, 3, seed=7, patches=patches_of(rows))
    assert picked(tools, job) == [str([*first, *second][pick.index]) for pick in expected.picks]
