"""ProbCover (Yehuda et al., 2022): the balls around the picks cover as many images as possible."""

import numpy as np

from models.selection.kmeans import kmeans
from models.selection.ordering import greedy
from models.selection.problem import Problem
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import distance_table
from models.vectors.points import Distances, Indices, Matrix

PURITY = 0.95
"""The share of balls that hold images of one cluster only (the paper's α)."""

CLUSTERS = 20
"""The number of clusters that stand in for classes (the paper takes the number of classes). It does not
depend on the budget, so the picks for a smaller budget are a prefix of the picks for a larger one.
"""


def probcover(problem: Problem) -> Indices:
    """Each next pick covers the most weight that is not covered yet. An image is covered if a pick or a fixed
    image is nearer than δ.

    When no weight is left to cover, the next picks are those that lower the distances most. Of more than
    `PAIRWISE` candidates, that many are drawn: only they are picked, and only they are covered.
    """
    rows = problem.sample()
    weights = problem.weights[rows]
    distances = distance_table(problem.points, rows, rows)
    delta = _radius(problem, rows, distances)
    uncovered = np.where(problem.covered[rows] < delta, 0, weights)
    picks = _cover(distances, delta, uncovered, problem.budget)
    if len(picks) < problem.budget:
        others = np.setdiff1d(np.arange(len(rows)), picks)
        nearest = np.minimum(problem.covered[rows], distances[picks].min(axis=0, initial=np.inf))
        rest = greedy(distances[others], nearest, weights, problem.budget - len(picks))
        picks = np.concatenate([picks, others[rest]])
    return rows[picks]


def _radius(problem: Problem, rows: Indices, distances: Matrix) -> float:
    """The largest radius at which the share `PURITY` of open balls is pure, with clusters instead of classes.

    A ball is pure as long as its radius does not exceed the distance to the nearest image of another cluster.
    """
    none = np.empty(0, np.intp)
    k = min(len(rows), CLUSTERS)
    clusters = kmeans(problem.points, rows, k, none, np.ones(len(rows)), problem.rng)
    to_others = np.array(
        [
            np.min(row, where=clusters != cluster, initial=np.inf)
            for row, cluster in zip(distances, clusters, strict=True)
        ]
    )
    return float(np.quantile(to_others, 1 - PURITY, method="lower"))


def _cover(distances: Matrix, delta: float, uncovered: Distances, budget: int) -> Indices:
    """Greedy maximum coverage: at most `budget` places. Each next place has the most `uncovered` weight (N,)
    nearer than `delta`; the choice ends when no ball has any.
    """
    uncovered = uncovered.copy()
    gains = _near(distances, delta, np.arange(len(distances)), uncovered)
    picks: list[int] = []
    while len(picks) < budget and uncovered.any() and gains.max() > 0:
        picks.append(int(gains.argmax()))
        newly = np.flatnonzero((distances[picks[-1]] < delta) & (uncovered > 0))
        gains -= _near(distances, delta, newly, uncovered[newly])
        uncovered[newly] = 0
        gains[picks] = -np.inf
    return np.array(picks, np.intp)


def _near(distances: Matrix, delta: float, columns: Indices, weights: Distances) -> Distances:
    """For each row of `distances`, the sum of the `weights` (M,) of those `columns` (M,) that are below
    `delta`.
    """
    parts = on_all_threads(
        lambda part: (distances[part][:, columns] < delta) @ weights, blocks(len(distances), 512)
    )
    return np.concatenate(parts)
