"""k-means over all images: k-means++ seeding, restarts, centres that stay fixed, and no empty clusters.

FAISS finds the nearest centres, on a GPU if it can use one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from models.faiss_shim import faiss
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.points import Distances, Indices, Matrix, Points

RESTARTS, CHEAP_RESTARTS = 10, 50
RESTART_WORK, CHEAP_WORK = 20_000_000, 1_000_000
"""The work of one run is its rows times its clusters. Up to `RESTARTS` runs are made as long as their work
stays within `RESTART_WORK`, and up to `CHEAP_RESTARTS` as long as it stays within `CHEAP_WORK`.
"""

ITERATIONS = 25

SETTLED = 1e-4
"""Lloyd's iterations end when one of them lowers the sum of squares by less than this share."""


@dataclass(frozen=True)
class WeightedRows:
    """The rows to cluster, which `read` returns as (M, D), and their `weights` (M,)."""

    read: Callable[[slice | Indices], Matrix]
    weights: Distances


@dataclass(frozen=True)
class Clustering:
    """`clusters` (M,) holds the nearest centre of every row, or −1 if a fixed centre is nearest; `squared`
    (M,) the squared distances to these centres, and `inertia` their weighted sum.
    """

    clusters: Indices
    squared: Matrix
    inertia: float


def kmeans(
    points: Points, members: Indices, k: int, fixed: Indices, weights: Distances, rng: np.random.Generator
) -> Indices:
    """The cluster of each of the `members`, rows (M,) with M ≥ k, which have the `weights` (M,).

    Clusters are 0 to k − 1, and none is empty. Members whose nearest centre is a row of `fixed`, centres that
    do not move, get −1. Seeding and restarts happen in the projection; the best run is then continued in all
    dimensions. Every step uses all members.
    """
    is_all = len(members) == len(points)
    inside = points.projected if is_all else points.projected[members]
    projected = WeightedRows(lambda rows: inside[rows], weights)
    anchors = points.projected[fixed]

    def run(rng: np.random.Generator) -> Clustering:
        return lloyd(projected, kmeans_plus_plus(projected, k, anchors, rng), k, anchors)

    work = len(members) * k
    most = max(1, min(RESTARTS, RESTART_WORK // work), min(CHEAP_RESTARTS, CHEAP_WORK // work))
    starts = rng.spawn(most)
    # If there are many runs, they are short: each gets a thread of its own, unless they share a GPU.
    in_threads = most >= RESTARTS and not _gpu()
    runs = on_all_threads(run, starts) if in_threads else [run(start) for start in starts]
    best = min(runs, key=lambda run: run.inertia)
    if points.is_projected:
        whole = WeightedRows(lambda rows: points[rows] if is_all else points[members[rows]], weights)
        best = lloyd(whole, best.clusters, k, points[fixed])
    return _fill_empty(best, k)


def kmeans_plus_plus(data: WeightedRows, k: int, fixed: Matrix, rng: np.random.Generator) -> Indices:
    """The cluster of every row around `k` seeds, or −1 if a row of `fixed` is nearer.

    Greedy k-means++ (Arthur and Vassilvitskii, 2007): a few rows are drawn with probabilities proportional to
    their weighted squared distances to the seeds so far. The row that lowers the sum of these distances the
    most becomes the next seed.
    """
    rows: list[int] = []
    nearest = np.full(len(data.weights), np.inf, np.float32)
    if len(fixed):
        nearest = _search(data, fixed, fixed[:0])[1]
    draws = 2 + int(np.log(k))
    while len(rows) < k:
        is_first = not rows and not len(fixed)
        drawn = _drawn(data.weights if is_first else nearest * data.weights, draws, rng)
        lowered = _lowered(data, data.read(drawn), nearest)
        best = int(np.einsum("on,n->o", lowered, data.weights).argmin())
        rows.append(int(drawn[best]))
        nearest = lowered[best]
    return _search(data, fixed, data.read(np.array(rows)))[0]


def _lowered(data: WeightedRows, options: Matrix, nearest: Matrix) -> Matrix:
    """The squared distances `nearest` (M,) to the nearest seed, after each of the `options`: (O, M)."""

    def part(block: slice) -> Matrix:
        squared: Matrix = faiss.pairwise_distances(options, data.read(block))
        return np.minimum(squared, nearest[block])

    return np.concatenate(on_all_threads(part, blocks(len(nearest))), axis=1)


def _drawn(chances: Distances, count: int, rng: np.random.Generator) -> Indices:
    cumulative = np.cumsum(chances, dtype=np.float64)
    places: Indices = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    # Past the end if every row coincides with a centre: then any row will do.
    return np.minimum(places, len(chances) - 1)


def lloyd(data: WeightedRows, clusters: Indices, k: int, fixed: Matrix) -> Clustering:
    """Lloyd's iterations, starting from `clusters` (M,), with the `fixed` centres (F, D).

    The centre of a cluster whose rows all have the weight 0 is the origin.
    """
    sums = np.zeros((k, fixed.shape[1]))
    counted = np.full(len(clusters), -1)
    inertia = np.inf
    for _ in range(ITERATIONS):
        moved = np.flatnonzero(clusters != counted)
        _add(data, moved, counted[moved], -1, sums)
        _add(data, moved, clusters[moved], 1, sums)
        counted = clusters
        own = clusters >= 0
        sizes = np.bincount(clusters[own], data.weights[own], minlength=k)[:, None]
        centres = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
        clusters, squared = _search(data, fixed, centres.astype(np.float32))
        previous, inertia = inertia, float(squared @ data.weights)
        if inertia >= previous * (1 - SETTLED):
            break
    return Clustering(clusters, squared, inertia)


def _search(data: WeightedRows, fixed: Matrix, centres: Matrix) -> tuple[Indices, Matrix]:
    """The place of every row's nearest centre, −1 for a `fixed` one, and the squared distance to it."""
    all_centres = np.concatenate([fixed, centres])
    parts = blocks(len(data.weights))
    if gpu := _gpu():
        found = [faiss.knn_gpu(gpu, data.read(part), all_centres, 1) for part in parts]
    else:
        found = on_all_threads(lambda part: faiss.knn(data.read(part), all_centres, 1), parts)
    squared, nearest = (np.concatenate(columns)[:, 0] for columns in zip(*found, strict=True))
    return np.maximum(nearest.astype(np.intp) - len(fixed), -1), squared


@cache
def _gpu() -> Any:
    """FAISS's resources for a GPU, which one thread at a time may use; None if it has no GPU."""
    return faiss.StandardGpuResources() if faiss.get_num_gpus() else None


def _add(data: WeightedRows, rows: Indices, clusters: Indices, sign: int, sums: Distances) -> None:
    """Add the `rows` (`sign` 1) to the weighted `sums` (k, D) of their `clusters`, or subtract them (−1)."""
    order = np.argsort(clusters, kind="stable")
    order = order[clusters[order] >= 0]
    rows, clusters = rows[order], clusters[order]
    starts = np.flatnonzero(np.diff(clusters, prepend=-1))
    ends = np.append(starts, len(rows))[1:]
    parts = [
        slice(start + part.start, start + part.stop)
        for start, end in zip(starts, ends, strict=True)
        for part in blocks(end - start)
    ]
    totals = on_all_threads(
        lambda part: data.weights[rows[part]].astype(np.float32) @ data.read(rows[part]), parts
    )
    for part, total in zip(parts, totals, strict=True):
        sums[clusters[part.start]] += sign * total


def _fill_empty(clustering: Clustering, k: int) -> Indices:
    """Fill each empty cluster with the row farthest from its centre that is not alone in its cluster."""
    clusters = clustering.clusters.copy()
    sizes = np.bincount(clusters[clusters >= 0], minlength=k)
    farthest_first = iter(np.argsort(-clustering.squared, kind="stable"))
    for empty in np.flatnonzero(sizes == 0):
        row = next(row for row in farthest_first if clusters[row] < 0 or sizes[clusters[row]] > 1)
        if clusters[row] >= 0:
            sizes[clusters[row]] -= 1
        clusters[row], sizes[empty] = empty, 1
    return clusters
