"""The paper's strategy (§3.2): k-means with as many clusters as the budget, then the medoid of each."""

import heapq

import numpy as np

from models.selection.distances import Distances, Indices, Vectors, blocks, distances_to, euclidean
from models.selection.kmeans import Points, kmeans

TIE = 1e-9
"""Sums of distances within this share of each other are equal: their last digits depend on the number of
threads of the matrix product.
"""


def kmedoids(
    embeddings: Vectors, candidates: Indices, budget: int, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Clusters the `candidates` and picks each cluster's medoid, in an order that makes every prefix good.

    Returns the picks, (budget,), and for every candidate the place of its cluster's pick among them.
    """
    clusters = kmeans(_standardised(embeddings, candidates), budget, rng)
    medoids = np.array([medoid(embeddings, candidates[clusters == c]) for c in range(budget)])
    covered = np.setdiff1d(np.arange(len(embeddings)), candidates)
    order = coverage_order(embeddings, medoids, covered)
    return medoids[order], np.argsort(order)[clusters]


def medoid(embeddings: Vectors, members: Indices) -> int:
    """The member with the least mean Euclidean distance to the others; the first among equals."""
    sums = distance_sums(embeddings, members)
    return int(members[np.argmax(sums <= sums.min() * (1 + TIE))])


def distance_sums(embeddings: Vectors, members: Indices) -> Distances:
    """The sum of each member's Euclidean distances to all the others, (M,), from every pair once."""
    sums = np.zeros(len(members))
    for rows in blocks(len(members)):
        for columns in blocks(rows.stop):
            distances = euclidean(embeddings[members[rows]], embeddings[members[columns]])
            sums[rows] += distances.sum(axis=1)
            if columns != rows:
                sums[columns] += distances.sum(axis=0)
    return sums


def coverage_order(embeddings: Vectors, medoids: Indices, covered: Indices) -> Indices:
    """Places in `medoids` in greedy order: each next medoid lowers the sum, over all images, of the
    distance to the nearest one so far (or to the nearest of the `covered` images) the most.

    The gains of this objective only shrink as medoids are added (it is submodular). So a gain computed
    earlier is an upper bound, and only the head of the queue is computed anew (Minoux, 1978).
    """
    to_medoids = distances_to(embeddings, medoids).T
    if len(covered):
        nearest = distances_to(embeddings, covered).min(axis=1)
    else:
        nearest = np.full(len(embeddings), to_medoids.max())
    queue = [(-np.inf, place) for place in range(len(medoids))]
    order = []
    while queue:
        _, place = heapq.heappop(queue)
        # Rounded to nine digits, so that equal gains are equal on any number of threads.
        gain = float(f"{np.maximum(nearest - to_medoids[place], 0).sum():.9g}")
        if queue and (-gain, place) > queue[0]:
            heapq.heappush(queue, (-gain, place))
        else:
            order.append(place)
            nearest = np.minimum(nearest, to_medoids[place])
    return np.array(order)


def _standardised(embeddings: Vectors, candidates: Indices) -> Points:
    """A float32 copy of the candidates, shifted to mean 0 and scaled to a largest entry of 1.

    k-means is indifferent to both, but FAISS's float32 arithmetic is more exact, and cannot overflow.
    """
    points = embeddings[candidates].astype(np.float32)
    points /= np.abs(points).max() or 1
    points -= points.mean(axis=0, dtype=np.float64).astype(np.float32)
    points /= np.abs(points).max() or 1
    return points
