"""ProbCover (Yehuda et al., 2022): picks whose balls cover the most images."""

import numpy as np
import numpy.typing as npt

from models.selection.distances import table
from models.selection.kmeans import kmeans
from models.selection.ordering import greedy
from models.selection.points import Distances, Indices, Matrix
from models.selection.problem import Problem

PURITY = 0.95
"""The share of balls whose images are all of one cluster (the paper's α)."""

CLUSTERS = 20
"""Clusters that stand in for classes (the paper takes as many as there are classes), whatever the budget: so
the picks for a smaller budget are a prefix of those for a larger one.
"""


def probcover(problem: Problem) -> Indices:
    """Each next pick has the most weight within δ that no pick and no fixed image has within δ.

    When nothing is left to cover, picks follow that lower the distances most. Above `PAIRWISE` candidates it
    picks from, and for, that many drawn ones.
    """
    rows = problem.sample()
    weights = problem.weights[rows]
    distances = table(problem.points, rows, rows)
    delta = _radius(problem, rows, distances)
    picks = _cover(distances <= delta, np.where(problem.covered[rows] <= delta, 0, weights), problem.budget)
    if len(picks) < problem.budget:
        others = np.setdiff1d(np.arange(len(rows)), picks)
        nearest = np.minimum(problem.covered[rows], distances[picks].min(axis=0, initial=np.inf))
        rest = greedy(distances[others], nearest, weights, problem.budget - len(picks))
        picks = np.concatenate([picks, others[rest]])
    return rows[picks]


def _radius(problem: Problem, rows: Indices, distances: Matrix) -> float:
    """The largest radius at which `PURITY` of the balls are pure, by clusters instead of classes.

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


def _cover(balls: npt.NDArray[np.bool_], uncovered: Distances, budget: int) -> Indices:
    """Greedy maximum coverage: places whose rows of `balls` (N, N) hold the most `uncovered` weight (N,)."""
    gains = balls @ uncovered
    picks: list[int] = []
    while len(picks) < budget and gains.max() > 0:
        picks.append(int(gains.argmax()))
        newly = np.flatnonzero(balls[picks[-1]] & (uncovered > 0))
        gains -= balls[:, newly] @ uncovered[newly]
        uncovered[newly] = 0
        gains[picks] = 0
    return np.array(picks, np.intp)
