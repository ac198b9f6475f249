"""Project jobs: the photos of a pool as points in a plane, and in groups that look alike."""

import json
import threading
import uuid

import numpy as np

from tests.worker.factories import Pools
from tests.worker.planted import planted
from worker.run import run


def test_a_pool_is_projected_and_grouped(pools: Pools, shutdown: threading.Event) -> None:
    """Photos of both splits lie where the two largest singular vectors put them, up to the sign of an axis,
    and no group has photos of two clouds that are far apart.
    """
    rng = np.random.default_rng(0)
    clouds = [rng.normal(size=(15, 5)) * [3, 2, 0.1, 0.1, 0.1] + centre for centre in (0, 40)]
    vectors = np.concatenate(clouds)
    pool_id = pools.pool()
    ids = [*planted(pools, pool_id, clouds[0]), *planted(pools, pool_id, clouds[1], split="test")]
    job_id = pools.job(pool_id, "project", {})
    run(job_id, pools.tools, shutdown)
    result = pools.get(job_id).result
    assert result, pools.get(job_id).error
    with pools.tools.blobs.open(result["map"]["sha256"]) as file:
        found = json.load(file)
    rows = [ids.index(uuid.UUID(image_id)) for image_id in found["image_ids"]]
    assert sorted(rows) == list(range(30))
    stored = vectors.astype(np.float16).astype(np.float64)
    centred = stored - stored.mean(axis=0)
    expected = (centred @ np.linalg.svd(centred)[2][:2].T)[rows]
    places = np.column_stack([found["x"], found["y"]])
    assert np.allclose(np.abs(places - places.mean(axis=0)), np.abs(expected), atol=0.05)
    groups = {
        cluster: {row < 15 for row in np.array(rows)[np.array(found["cluster"]) == cluster]}
        for cluster in set(found["cluster"])
    }
    assert len(groups) == 12
    assert all(len(clouds) == 1 for clouds in groups.values())
