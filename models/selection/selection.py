"""The selection contract: a strategy, embeddings and a budget in, ordered picks out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.selection.distances import Indices, Vectors, blocks, distances_to
from models.selection.kmedoids import kmedoids
from models.selection.random_draw import random_draw

Strategy = Callable[[Vectors, Indices, int, np.random.Generator], tuple[Indices, Indices]]

STRATEGIES: dict[str, Strategy] = {"kmedoids": kmedoids, "random": random_draw}

VERSION = 1
"""Part of every receipt: raise it whenever the same arguments would give other picks."""


@dataclass(frozen=True)
class Pick:
    """An image to label. All distances are Euclidean, between embeddings.

    `rank` counts from 1; `index` is the image's row. `cluster_size` counts the images that the pick stands
    for, itself among them; `mean_distance` is its mean distance to the others (0 when there are none).
    `coverage` is the mean distance of all images to the nearest one that is labelled or has at most this
    rank: it falls from pick to pick, and the last one is what `models.selection.coverage` gives for all of
    them.
    """

    rank: int
    index: int
    cluster_size: int
    mean_distance: float
    coverage: float


@dataclass(frozen=True)
class Selection:
    """The picks in the order to label them. `objective` is the mean distance of the candidates to the pick
    of their own cluster; `algorithm_version` names the code that chose.
    """

    picks: list[Pick]
    algorithm_version: str
    objective: float


def select(
    strategy: str, embeddings: Vectors, budget: int, *, seed: int = 0, labelled: Sequence[int] = ()
) -> Selection:
    """Chooses `budget` images to label, none of them in `labelled`, by one of `STRATEGIES`.

    `embeddings` is (N, D), float16 or wider; it may be memory-mapped and is left as it is. Besides it,
    memory holds one float32 copy and float64 tables (N, budget) and (N, labelled). The same arguments give
    the same picks on any number of threads. Raises ValueError.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"There is no strategy {strategy!r}: choose one of {', '.join(STRATEGIES)}.")
    _check_embeddings(embeddings)
    taken = np.unique(np.asarray(labelled, np.intp))
    if len(taken) and not 0 <= taken[0] <= taken[-1] < len(embeddings):
        raise ValueError(f"Labelled images must be rows 0 to {len(embeddings) - 1} of the embeddings.")
    candidates = np.setdiff1d(np.arange(len(embeddings)), taken)
    if budget < 1:
        raise ValueError(f"The budget must be at least 1, not {budget}.")
    if budget > len(candidates):
        raise ValueError(
            f"A budget of {budget} is above the {len(candidates)} images that have no label yet."
        )
    picks, clusters = STRATEGIES[strategy](embeddings, candidates, budget, np.random.default_rng(seed))
    return _described(f"{strategy}-{VERSION}", embeddings, candidates, picks, clusters)


def _check_embeddings(embeddings: Vectors) -> None:
    if embeddings.ndim != 2 or not np.issubdtype(embeddings.dtype, np.floating):
        raise ValueError(
            f"Embeddings must be floating-point numbers of shape (images, dimension), "
            f"not {embeddings.dtype} of shape {embeddings.shape}."
        )
    if embeddings.size == 0:
        raise ValueError(f"There is nothing to select from: the embeddings' shape is {embeddings.shape}.")
    for rows in blocks(len(embeddings)):
        # float64 numbers that float32 cannot hold are infinite too.
        with np.errstate(over="ignore"):
            finite = np.isfinite(embeddings[rows].astype(np.float32)).all()
        if not finite:
            raise ValueError(
                f"Embeddings must be finite: rows {rows.start} to {rows.stop - 1} hold NaN or infinity."
            )


def _described(
    version: str, embeddings: Vectors, candidates: Indices, picks: Indices, clusters: Indices
) -> Selection:
    to_picks = distances_to(embeddings, picks)
    to_own_pick = to_picks[candidates, clusters]
    sizes = np.bincount(clusters)
    mean_distances = np.bincount(clusters, to_own_pick) / np.maximum(sizes - 1, 1)
    taken = np.setdiff1d(np.arange(len(embeddings)), candidates)
    if len(taken):
        nearest_label = distances_to(embeddings, taken).min(axis=1, keepdims=True)
        to_picks = np.minimum(to_picks, nearest_label)
    coverages = np.minimum.accumulate(to_picks, axis=1).mean(axis=0)
    columns = zip(picks, sizes, mean_distances, coverages, strict=True)
    return Selection(
        picks=[
            Pick(rank, int(index), int(size), float(distance), float(cover))
            for rank, (index, size, distance, cover) in enumerate(columns, start=1)
        ],
        algorithm_version=version,
        objective=float(to_own_pick.mean()),
    )
