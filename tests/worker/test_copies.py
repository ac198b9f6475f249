"""Photos with the same bytes: one of them is enough."""

import threading
import uuid
from typing import Any

import numpy as np
import pytest

from models.catalog import STRATEGIES
from store.tables import Selection
from tests.worker.factories import Pools, scene
from tests.worker.planted import add_shard
from worker.attempt import Tools
from worker.run import run


@pytest.fixture
def database_url() -> str:
    return ""


@pytest.fixture
def images(pools: Pools) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """A pool of four photos, the last of which it has under three names; and all six in order."""
    pool_id = pools.pool()
    contents = [scene(seed)[0] for seed in (0, 1, 2, 3, 3, 3)]
    job_id, ids = pools.photos(pool_id, contents)
    vectors = np.random.default_rng(0).normal(size=(6, 4))
    vectors[4:] = vectors[3] + [[0.01] * 4, [0.02] * 4]  # an encoder may differ a little from batch to batch
    add_shard(pools, pool_id, job_id, ids, vectors)
    return pool_id, ids


def select(tools: Tools, pools: Pools, pool_id: uuid.UUID, **options: Any) -> dict[str, Any]:
    """A selection's document."""
    question = {"strategy": "kmedoids", "seed": 7, "test_distance": "off", "count_copies": False, **options}
    job_id = pools.job(pool_id, "select", {"question": question, "up_to": None})
    run(job_id, tools, threading.Event())
    result = pools.get(job_id).result
    assert result, pools.get(job_id).error
    with tools.database.read() as session:
        return session.get_one(Selection, uuid.UUID(result["selection_id"])).document


def picked(document: dict[str, Any]) -> set[uuid.UUID]:
    return {uuid.UUID(pick["image_id"]) for pick in document["picks"]}


@pytest.mark.parametrize("strategy", ["random", "kmedoids"])
def test_a_copy_never_takes_a_pick(
    tools: Tools, pools: Pools, images: tuple[uuid.UUID, list[uuid.UUID]], strategy: str
) -> None:
    """With a budget for all photos, each is picked once, the first of its names; the copies are listed with
    it. A larger budget cannot be met.
    """
    assert strategy in STRATEGIES
    pool_id, ids = images
    document = select(tools, pools, pool_id, budget=4, strategy=strategy)
    assert picked(document) == set(ids[:4])
    left_out = document["left_out"]["duplicates"]
    assert {entry["image_id"] for entry in left_out} == set(map(str, ids[4:]))
    assert {entry["of_image_id"] for entry in left_out} == {str(ids[3])}
    with pytest.raises(AssertionError, match="copies of others"):
        select(tools, pools, pool_id, budget=5, strategy=strategy)


def test_the_annotated_one_and_the_included_one_count(
    tools: Tools, pools: Pools, images: tuple[uuid.UUID, list[uuid.UUID]]
) -> None:
    """If a copy is to be included, the others are left out; if one is annotated, none needs to be picked."""
    pool_id, ids = images
    assert picked(select(tools, pools, pool_id, budget=4, include=[str(ids[5])])) == {*ids[:3], ids[5]}
    pools.annotation(ids[4], scene(3)[1])
    assert picked(select(tools, pools, pool_id, budget=3)) == set(ids[:3])


def test_a_receipt_of_before_gives_the_picks_of_before(
    tools: Tools, pools: Pools, images: tuple[uuid.UUID, list[uuid.UUID]]
) -> None:
    """A receipt that does not say how copies count is replayed with every copy counted; a new one without."""
    pool_id, _ = images
    for count_copies, budget in ((True, 6), (False, 4)):
        made = select(tools, pools, pool_id, budget=budget, count_copies=count_copies)
        receipt = made["receipt"] | {"picks": None}
        question = {
            name: receipt[name] for name in ("budget", "strategy", "seed", "test_distance", "count_copies")
        }
        if count_copies:
            del question["count_copies"], receipt["count_copies"]
        job_id = pools.job(pool_id, "replay", {"question": question, "receipt": receipt})
        run(job_id, tools, threading.Event())
        result = pools.get(job_id).result
        assert result
        assert (result["same"], result["changed"]) == (True, [])
