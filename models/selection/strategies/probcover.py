"""ProbCover (Yehuda et al., 2022): picks whose balls cover the most images."""

import numpy as np

from models.selection.kmeans import kmeans
from models.selection.ordering import greedy
from models.selection.problem import Problem
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import table
from models.vectors.points import Distances, Indices, Matrix

PURITY = 0.95
"""The share of balls whose images are all of one cluster (the paper's α)."""

CLUSTERS = 20
"""Clusters that stand in for classes (the paper takes as many as there are classes), whatever the budget: so
the picks for a smaller budget are a prefix of those for a larger one.
"""


def probcover(problem: Problem) -> Indices:
    """Each next pick has the most weight nearer than δ to it that is not so near to a pick or a fixed image.

    When nothing is left to cover, picks follow that lower the distances most. Above `PAIRWISE` candidates it
    picks from, and for, that many drawn ones.
    """
    rows = problem.sample()
    weights = problem.weights[rows]
    distances = table(problem.points, rows, rows)
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
    """The largest radius of open balls of which `PURITY` are pure, by clusters instead of classes.

    A ball is pure up to the nearest image of another cluster.
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
    """Greedy maximum coverage: at most `budget` places, each next one with the most `uncovered` weight (N,)
    nearer than `delta`, until no ball has any.
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
    """For each row of `distances` the sum of the `weights` (M,) of its `columns` (M,) below `delta`."""
    parts = on_all_threads(
        lambda part: (distances[part][:, columns] < delta) @ weights, blocks(len(distances), 512)
    )
    return np.concatenate(parts)
