"""Search jobs: find images that look like an image or an uploaded photo, and find duplicates in a pool."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from models.encoders import embed_files
from models.similarity import (
    DUPLICATE_SHARE,
    PoolIndex,
    duplicate_groups,
    leaks,
    pair_distances,
    typical_distance,
)
from store import blobs, images, selections
from store.states import SPLITS, TRAIN
from store.tables import Pool
from worker.attempt import Attempt
from worker.cache.vectors import PoolVectors
from worker.handlers.embed import weights_mismatch
from worker.outcomes import Outcome, Permanent
from worker.selection.candidates import Rows

MOST_OF_A_GROUP, MOST_LISTED = 1000, 100_000
"""The most images that the document lists of one group, and of all groups. It gives the counts as well."""

Query = npt.NDArray[np.floating[Any]]
Found = list[tuple[uuid.UUID, float]]
"""Images and their distances."""


def search(attempt: Attempt) -> Outcome:
    handlers = {"similar": _similar, "photo": _photo, "duplicates": _duplicates, "across": _across}
    return handlers[attempt.claim.spec["what"]](attempt)


def _similar(attempt: Attempt) -> Outcome:
    image_id = uuid.UUID(attempt.claim.spec["image_id"])
    index, vectors = _indexed(attempt)
    return Outcome(_nearest(attempt, index, vectors, vectors.matrix[vectors.rows([image_id])], image_id))


def _photo(attempt: Attempt) -> Outcome:
    """Find images that look like an uploaded photo, which is deleted after the search."""
    claim, tools = attempt.claim, attempt.tools
    with tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
    encoder = tools.networks.encoder(pool.encoder)
    if pool.weights_digest != encoder.weights_digest:
        raise weights_mismatch(pool, encoder.weights_digest)
    held = claim.spec["photo"]
    with attempt.files([held]) as paths:
        query, failures = embed_files(encoder, paths)
    if failures:
        raise Permanent("not-an-image", f"The photo cannot be compared: {failures[0].reason}")
    result = _nearest(attempt, *_indexed(attempt), query)
    return Outcome(result, afterwards=lambda: tools.blobs.drop(held))


def _indexed(attempt: Attempt) -> tuple[PoolIndex, PoolVectors]:
    """The pool's index and its vectors, which are read after the index so that they have all its rows."""
    vectors, pool_id = attempt.tools.vectors, attempt.claim.pool_id
    return vectors.index(pool_id), vectors.pool_vectors(pool_id)


def _nearest(
    attempt: Attempt, index: PoolIndex, vectors: PoolVectors, query: Query, itself: uuid.UUID | None = None
) -> dict[str, Any]:
    """The result: the images nearest to the vector `query`, (1, D), without the image `itself`."""
    claim = attempt.claim
    rows, distances = index.search(query, claim.spec["limit"] + 1)
    found = [
        (vectors.image_ids[row], float(distance))
        for row, distance in zip(rows[0], distances[0], strict=True)
        if row >= 0 and vectors.image_ids[row] != itself
    ]
    [items] = _described(attempt, [found[: claim.spec["limit"]]])
    return {
        "pool_id": str(claim.pool_id),
        "image_id": str(itself) if itself else None,
        "images": len(index) - (itself is not None),
        "typical_distance": _typical(vectors),
        "items": items,
    }


def _duplicates(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    train, tests = _in_use(attempt)
    vectors = tools.vectors.pool_vectors(claim.pool_id)
    oldest_first = vectors.rows(sorted(train + tests))
    # Measured as for a selection of train images, so that `auto` means the same threshold.
    train_rows = vectors.rows(train)
    typical = _typical(vectors, train_rows if len(train) > 1 else oldest_first)
    within = claim.spec["within"]
    if within is None:
        within = DUPLICATE_SHARE * (typical or 0.0)
    groups = sorted(duplicate_groups(vectors.matrix, within, oldest_first), key=len, reverse=True)
    listed = groups[: _fitting([len(group) for group in groups])]
    described = _described(attempt, [_from_first(vectors, np.array(group)) for group in listed])
    is_train = np.isin(np.arange(len(vectors.image_ids)), train_rows)
    document = {
        "pool_id": str(claim.pool_id),
        "within": within,
        "typical_distance": typical,
        "images": len(oldest_first),
        "duplicates": sum(len(group) - 1 for group in groups),
        "group_count": len(groups),
        "across": sum(0 < int(is_train[group].sum()) < len(group) for group in groups),
        "groups": [
            {"count": len(group), "images": images} for group, images in zip(listed, described, strict=True)
        ],
    }
    blob = blobs.put(tools.blobs, [json.dumps(document).encode()])
    return Outcome({"duplicates": asdict(blob)})


def _across(attempt: Attempt) -> Outcome:
    """Find the images of a split that are nearly the same as an image, by the threshold of selections."""
    spec = attempt.claim.spec
    image_id = uuid.UUID(spec["image_id"])
    train, tests = _in_use(attempt)
    vectors = attempt.tools.vectors.pool_vectors(attempt.claim.pool_id)
    within = DUPLICATE_SHARE * (_typical(vectors, vectors.rows(train)) or 0.0) if train else 0.0
    rows = vectors.rows(id for id in (train if spec["split"] == TRAIN else tests) if id != image_id)
    near = leaks(vectors.matrix, rows, vectors.matrix[vectors.rows([image_id])], within)
    found = sorted(((vectors.image_ids[row], apart) for row, _, apart in near), key=lambda one: one[1])
    [items] = _described(attempt, [found[:MOST_OF_A_GROUP]])
    return Outcome({"image_id": str(image_id), "within": within, "items": items})


def _in_use(attempt: Attempt) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The embedded train images and the embedded test images."""
    with attempt.tools.database.read() as session:
        train, tests = (
            [image.id for image in selections.embedded(session, attempt.claim.pool_id, split)]
            for split in SPLITS
        )
    return train, tests


def _described(attempt: Attempt, found: list[Found]) -> list[list[dict[str, Any]]]:
    with attempt.tools.database.read() as session:
        names = images.names(session, (image_id for near in found for image_id, _ in near))
    return [
        [
            {"image_id": str(image_id), **asdict(names[image_id]), "distance": apart}
            for image_id, apart in near
            if image_id in names
        ]
        for near in found
    ]


def _typical(vectors: PoolVectors, among: Rows | None = None) -> float | None:
    """The typical distance of the rows `among`, by default of all; None if the pool has only one image."""
    return typical_distance(vectors.matrix, rows=among) if len(vectors.image_ids) > 1 else None


def _fitting(sizes: Sequence[int]) -> int:
    """How many groups, which have these sizes, the document has room for."""
    listed = np.cumsum(np.minimum(sizes, MOST_OF_A_GROUP))
    return int(np.searchsorted(listed, MOST_LISTED, "right"))


def _from_first(vectors: PoolVectors, group: Rows) -> Found:
    """The images of these rows and their distances to the first row, nearest first."""
    apart = pair_distances(vectors.matrix, np.full(len(group), group[0]), group)
    nearest = np.argsort(apart, kind="stable")[:MOST_OF_A_GROUP]
    return [(vectors.image_ids[group[place]], float(apart[place])) for place in nearest]
