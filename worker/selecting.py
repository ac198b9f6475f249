"""Select jobs: which images to label, from all the pool's embeddings."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from models import selection
from store import embeddings, trainings
from store.blobs import Blobs
from store.selections import candidates
from store.tables import Image, Pool, Selection, Shard, new_id
from worker.attempt import Attempt, Outcome
from worker.endings import Permanent


def select(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    spec = claim.spec
    with tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        images = embeddings.embedded_train_images(session, claim.pool_id)
        shards = embeddings.shards(session, claim.pool_id)
        annotated = {image.id for image, _ in trainings.annotated(session, claim.pool_id, "train")}
        state = candidates(session, claim.pool_id)
    labelled = [row for row, image in enumerate(images) if image.id in annotated]
    if spec["budget"] > len(images) - len(labelled):
        raise Permanent(
            "budget-exceeds-pool",
            f"The budget is {spec['budget']}, but only {len(images) - len(labelled)} embedded train images "
            "have no annotation yet.",
        )
    vectors = embedding_matrix(tools.blobs, images, shards)
    attempt.lease.check()
    chosen = selection.select(spec["strategy"], vectors, spec["budget"], seed=spec["seed"], labelled=labelled)
    selection_id = new_id()
    document = {
        "id": str(selection_id),
        "pool_id": str(claim.pool_id),
        **{name: spec[name] for name in ("budget", "strategy", "seed")},
        "picks": [_pick(pick, images) for pick in chosen.picks],
        "coverage": asdict(selection.coverage(vectors, labelled + [pick.index for pick in chosen.picks])),
        "receipt": {
            "image_count": len(images),
            "images_digest": state.images_digest,
            "encoder": pool.encoder,
            "weights_digest": pool.weights_digest,
            "annotated_digest": state.annotated_digest,
            "algorithm_version": chosen.algorithm_version,
            "seed": spec["seed"],
        },
    }
    row = Selection(id=selection_id, pool_id=claim.pool_id, job_id=claim.job_id, document=document)
    return Outcome({"selection_id": str(selection_id)}, lambda session: session.add(row))


def embedding_matrix(
    blobs: Blobs, images: Sequence[Image], shards: Sequence[Shard]
) -> npt.NDArray[np.float32]:
    """The embeddings of the images as float32 (images, dimension), in their order."""
    position = {image.id.hex: row for row, image in enumerate(images)}
    matrix: npt.NDArray[np.float32] | None = None
    for shard in shards:
        with blobs.open(shard.sha256) as file:
            block = np.load(file, allow_pickle=False)
        if matrix is None:
            matrix = np.empty((len(images), block.shape[1]), np.float32)
        wanted = [(row, position[id]) for row, id in enumerate(shard.image_ids) if id in position]
        if wanted:
            rows, positions = zip(*wanted, strict=True)
            matrix[list(positions)] = block[list(rows)]
    return np.empty((0, 0), np.float32) if matrix is None else matrix


def _pick(pick: selection.Pick, images: Sequence[Image]) -> dict[str, Any]:
    image = images[pick.index]
    values = asdict(pick)
    del values["index"]
    return {**values, "image_id": str(image.id), "name": image.name}
