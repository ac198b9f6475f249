"""Project jobs: lay the photos of a pool out in a plane, where those that look alike are near each other."""

import json
from dataclasses import asdict

from models.explanation import pool_map
from models.selection import assignment, select
from models.vectors.points import Points
from store import blobs, selections
from store.states import SPLITS
from worker.attempt import Attempt
from worker.outcomes import Outcome

CLUSTERS = 12
"""The most groups of photos that look alike; each is what one medoid of the pool stands for."""


def project(attempt: Attempt) -> Outcome:
    """Project the embedded images of both splits, also those that are excluded."""
    claim, tools = attempt.claim, attempt.tools
    vectors = tools.vectors.pool_vectors(claim.pool_id)
    with tools.database.read() as session:
        ids = sorted(
            image.id
            for split in SPLITS
            for image in selections.embedded(session, claim.pool_id, split, without=())
        )
    points = Points.of(tools.vectors.gather(vectors, ids))
    plane = pool_map(points)
    attempt.lease.check()
    medoids = select("kmedoids", points, min(CLUSTERS, len(ids)), seed=0).picks
    clusters, _ = assignment(points, [medoid.index for medoid in medoids])
    document = {
        "method": plane.method,
        "explained_variance": plane.explained,
        "image_ids": list(map(str, ids)),
        "x": [round(float(value), 4) for value in plane.points[:, 0]],
        "y": [round(float(value), 4) for value in plane.points[:, 1]],
        "cluster": clusters.tolist(),
    }
    blob = blobs.put(tools.blobs, [json.dumps(document, separators=(",", ":")).encode()])
    return Outcome({"map": asdict(blob)})
