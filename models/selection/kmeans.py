"""k-means by FAISS, seeded by k-means++ and restarted; no cluster is left empty."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
import numpy as np
import numpy.typing as npt

from models.selection.distances import Indices

Points = npt.NDArray[np.float32]

RESTARTS = 10
ITERATIONS = 25


def kmeans(points: Points, k: int, rng: np.random.Generator) -> Indices:
    """The cluster, 0 to k − 1, of each of the `points`, float32 (N, D) with N ≥ k; every cluster has members.

    It is the best of `RESTARTS` runs by the sum of squared distances to the centroids.
    """
    best, least = np.empty(0, np.intp), np.inf
    # The order in which threads add up would decide between clusters that are equally near.
    with _one_faiss_thread():
        for _ in range(RESTARTS):
            clusters, squared = _lloyd(points, _plus_plus(points, k, rng))
            total = float(squared.sum(dtype=np.float64))
            if total < least:
                best, least = _fill_empty(clusters, squared, k), total
    return best


def _plus_plus(points: Points, k: int, rng: np.random.Generator) -> Points:
    """Greedy k-means++ (Arthur and Vassilvitskii, 2007): of a few points, drawn in proportion to their
    squared distance to the centres so far, the one that lowers the sum of these distances most is next.
    """
    centres = [int(rng.integers(len(points)))]
    nearest = faiss.pairwise_distances(points[centres], points)[0]
    draws = 2 + int(np.log(k))
    while len(centres) < k:
        cumulative = np.cumsum(nearest, dtype=np.float64)
        drawn = np.searchsorted(cumulative, rng.random(draws) * cumulative[-1], side="right")
        # Past the end where every point coincides with a centre already: then any point will do.
        drawn = np.minimum(drawn, len(points) - 1)
        options = np.minimum(nearest, faiss.pairwise_distances(points[drawn], points))
        best = int(options.sum(axis=1, dtype=np.float64).argmin())
        centres.append(int(drawn[best]))
        nearest = options[best]
    return points[centres]


def _lloyd(points: Points, centres: Points) -> tuple[Indices, Points]:
    """Each point's cluster and its squared distance to the centroid, after Lloyd's iterations."""
    clustering = faiss.Kmeans(
        points.shape[1],
        len(centres),
        niter=ITERATIONS,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),  # By default FAISS drops all but 256 a centroid.
    )
    clustering.train(points, init_centroids=centres)
    squared, clusters = clustering.index.search(points, 1)
    return clusters[:, 0].astype(np.intp), squared[:, 0]


def _fill_empty(clusters: Indices, squared: Points, k: int) -> Indices:
    """Moves into each empty cluster the point that is farthest from its centroid and is not alone there."""
    clusters = clusters.copy()
    sizes = np.bincount(clusters, minlength=k)
    farthest_first = iter(np.argsort(-squared, kind="stable"))
    for empty in np.flatnonzero(sizes == 0):
        point = next(point for point in farthest_first if sizes[clusters[point]] > 1)
        sizes[clusters[point]] -= 1
        clusters[point], sizes[empty] = empty, 1
    return clusters


@contextmanager
def _one_faiss_thread() -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
