"""The selection contract: a strategy, embeddings and a budget in, ordered picks out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.catalog import STRATEGIES
from models.selection.ordering import greedy_order
from models.selection.patches import Patches
from models.selection.problem import Problem
from models.selection.strategies import strategy_named
from models.vectors.blocks import blocks, on_all_threads, one_blas_thread
from models.vectors.distances import euclidean, nearest_centres
from models.vectors.points import Distances, Indices, Points, Vectors

TABLE_ENTRIES = 2**22
"""Distances that a thread holds at a time: 16 MiB, and a few times as much for intermediate results."""

VERSION = 4
"""Part of every receipt: raise it whenever the same arguments give other picks than before."""


@dataclass(frozen=True)
class Pick:
    """An image to label. All distances are Euclidean, between embeddings.

    `rank` counts from 1; `index` is the image's row. The pick's cluster is the images that are nearer to it
    than to any other picked or labelled image, itself included: `cluster_size` is their number, and
    `mean_distance` the pick's mean distance to the others (0 if there are none). `coverage` is the weighted
    mean distance of all images to the nearest image that is labelled or has at most this rank; `gain` is the
    amount by which this pick lowered it (None for the first pick if nothing is labelled).
    """

    rank: int
    index: int
    cluster_size: int
    mean_distance: float
    coverage: float
    gain: float | None


@dataclass(frozen=True)
class Selection:
    """The picks in the order to label them. `algorithm_version` names the strategy and its version."""

    picks: list[Pick]
    algorithm_version: str


def select(
    strategy: str,
    embeddings: Vectors | Points,
    budget: int,
    *,
    seed: int = 0,
    labelled: Sequence[int] = (),
    include: Sequence[int] = (),
    exclude: Sequence[int] = (),
    weights: npt.ArrayLike | None = None,
    patches: Vectors | Patches | None = None,
) -> Selection:
    """Choose `budget` images to label by a strategy of `models.catalog`, in the order to label them.

    `embeddings` is (N, D), float16 or wider; it may be memory-mapped and is not changed. Rows `labelled` are
    never picked, but cover the images near to them. Rows `include` are picked in any case, before others.
    Rows `exclude` are neither picked nor covered. `weights` (N,), 0 or more, say how much it counts that an
    image is covered (default: 1). `patches` (N, P, D) are the features of the images' patches, which some
    strategies need (`StrategyFacts.patches`). In addition to `embeddings` and
    `patches`, memory holds at most 3 GiB of distances and a projection of the embeddings, float32 (N, 129),
    or the counts of words, 800 bytes for each image. The same arguments give the same picks on any number of
    threads. Raises ValueError for unusable arguments.
    """
    pick = strategy_named(strategy)
    points = Points.of(embeddings)
    of_images = _patches(strategy, patches, len(points))
    with one_blas_thread():
        taken, wanted, left_out = (
            _rows(rows, name, len(points))
            for rows, name in ((labelled, "Labelled"), (include, "Included"), (exclude, "Excluded"))
        )
        counted = _weights(weights, len(points))
        counted[left_out] = 0
        candidates = np.setdiff1d(np.arange(len(points)), np.concatenate([taken, left_out]))
        _check(budget, candidates, wanted)
        rng = np.random.default_rng(seed)
        picks = greedy_order(Problem(points, candidates, taken, counted, len(wanted), rng), wanted)
        if budget > len(wanted):
            rest = Problem(
                points,
                np.setdiff1d(candidates, wanted),
                np.concatenate([taken, wanted]),
                counted,
                budget - len(wanted),
                rng,
                of_images,
            )
            picks = np.concatenate([picks, pick(rest)])
        return _described(f"{strategy}-{VERSION}", points, picks, taken, left_out, counted)


def _rows(rows: Sequence[int], what: str, count: int) -> Indices:
    given = np.asarray(rows)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"{what} images must be given by their rows, integers, not {given.dtype}.")
    indices = np.unique(given.astype(np.intp))
    if len(indices) and not 0 <= indices[0] <= indices[-1] < count:
        raise ValueError(f"{what} images must be rows 0 to {count - 1} of the embeddings.")
    return indices


def _patches(strategy: str, patches: Vectors | Patches | None, count: int) -> Patches | None:
    if not STRATEGIES[strategy].patches:
        return None
    if patches is None:
        raise ValueError(
            f"The strategy {strategy} needs the features of the images' patches: give `patches`."
        )
    found = Patches.of(patches)
    if len(found) != count:
        raise ValueError(f"Patches must be those of {count} images, not of {len(found)}.")
    return found


def _weights(weights: npt.ArrayLike | None, count: int) -> Distances:
    if weights is None:
        return np.ones(count)
    values = np.array(weights, np.float64)
    if values.shape != (count,) or not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"Weights must be {count} finite numbers of 0 or more, one for each image.")
    return values / (values.max() or 1)


def _check(budget: int, candidates: Indices, include: Indices) -> None:
    if budget < 1:
        raise ValueError(f"The budget must be at least 1, not {budget}.")
    if budget > len(candidates):
        raise ValueError(f"A budget of {budget} is above the {len(candidates)} images that can be picked.")
    if len(missing := np.setdiff1d(include, candidates)):
        raise ValueError(f"Row {missing[0]} is to be included, but it is labelled or excluded.")
    if budget < len(include):
        raise ValueError(f"A budget of {budget} is below the {len(include)} images to include.")


def _described(
    version: str, points: Points, picks: Indices, taken: Indices, left_out: Indices, weights: Distances
) -> Selection:
    """The picks with their figures, from the distances of all images to all picks, block by block."""
    to_taken = nearest_centres(points, taken)[1]
    counted = np.ones(len(points), bool)
    counted[left_out] = False
    of_picks = points[picks]
    place_of = np.full(len(points), -1)
    place_of[picks] = np.arange(len(picks))

    def figures(block: slice) -> tuple[Indices, Distances, Distances]:
        distances = euclidean(points[block], of_picks)
        own = place_of[block]
        rows = np.flatnonzero(own >= 0)
        distances[rows] = np.where(np.arange(len(picks)) == own[rows, None], 0, distances[rows])
        place = np.where(own >= 0, own, distances.argmin(axis=1))
        nearest = distances[np.arange(len(place)), place]
        stood_for = counted[block] & ((nearest < to_taken[block]) | (own >= 0))
        own_places, own_distances = place[stood_for], nearest[stood_for].astype(np.float64)
        sizes = np.bincount(own_places, minlength=len(picks)).astype(np.intp)
        sums = np.bincount(own_places, own_distances, minlength=len(picks)).astype(np.float64)
        so_far = np.minimum.accumulate(np.minimum(distances, to_taken[block, None]), axis=1)
        covers: Distances = weights[block] @ so_far
        return sizes, sums, covers

    parts = on_all_threads(figures, blocks(len(points), max(1, min(1024, TABLE_ENTRIES // len(picks)))))
    sizes, sums, covers = (np.sum(column, axis=0) for column in zip(*parts, strict=True))
    total = float(weights.sum()) or 1.0
    coverages = (covers * points.scale / total).tolist()
    before = float(to_taken.astype(np.float64) @ weights) * points.scale / total if len(taken) else None
    gains = [
        None if earlier is None else earlier - now
        for earlier, now in zip([before, *coverages[:-1]], coverages, strict=True)
    ]
    means = sums * points.scale / np.maximum(sizes - 1, 1)
    columns = zip(picks.tolist(), sizes.tolist(), means.tolist(), coverages, gains, strict=True)
    return Selection(
        picks=[Pick(rank, *values) for rank, values in enumerate(columns, start=1)],
        algorithm_version=version,
    )
