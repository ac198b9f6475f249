"""The k-medoids objective itself, lowered by swaps: FasterPAM (Schubert and Rousseeuw, 2021)."""

import numpy as np

from models.selection.medoids import medoids
from models.selection.ordering import in_order
from models.selection.problem import Problem
from models.selection.strategies.kmedoids import clustered
from models.vectors.blocks import check
from models.vectors.distances import nearest_of, table
from models.vectors.points import Distances, Indices, Matrix

GAIN = 1e-7
"""The least gain of a swap, as a share of the objective: float32's rounding gains less."""


def fasterpam(problem: Problem) -> Indices:
    """Starts from the paper's answer and swaps a pick for another candidate whenever that lowers the weighted
    sum of distances to the nearest pick or fixed image, until no swap does.

    Above `PAIRWISE` candidates, swaps are tried among that many drawn ones, and judged by what they cover;
    the start is the answer where all candidates say that the swaps lost.
    """
    sample = problem.sample(besides=problem.budget)
    start = medoids(problem.points, clustered(problem), problem.weights)
    rows = np.union1d(sample, start)
    distances = table(problem.points, rows, rows)
    places = np.searchsorted(rows, start)
    picks = rows[swapped(distances, places, problem.covered[rows], problem.weights[rows])]
    if len(sample) < len(problem.candidates) and _uncovered(problem, picks) > _uncovered(problem, start):
        picks = start
    return in_order(problem, picks)


def _uncovered(problem: Problem, picks: Indices) -> float:
    """The weighted sum of all images' distances to the nearest pick or fixed image."""
    nearest = np.minimum(problem.covered, nearest_of(problem.points, picks)[1])
    return float(nearest @ problem.weights)


def swapped(distances: Matrix, medoids: Indices, covered: Matrix, weights: Distances) -> Indices:
    """Medoids (K,) from which no single swap lowers Σ weights · min(covered, distance to the nearest).

    `distances` (N, N) is symmetric, `medoids` are places in it to start from. Candidates take turns; a swap
    is made at once, for the medoid whose replacement gains most. A turn takes O(N).
    """
    medoids = medoids.copy()
    rows = np.vstack([distances[medoids], covered])
    nearest, first, second = _two_nearest(rows)
    turns_without_swap, candidate = 0, 0
    while turns_without_swap < len(distances):
        check()
        to_candidate = distances[candidate]
        # What all images gain from one more medoid, and lose when their own has to go for it.
        kept = np.minimum(to_candidate, first)
        change = (kept - first) @ weights
        losses = weights * (np.minimum(to_candidate, second) - kept)
        changes = change + np.bincount(nearest, losses, minlength=len(rows))[:-1]
        worst = int(changes.argmin())
        if changes[worst] < -GAIN * (first @ weights):
            touched = (nearest == worst) | (rows[worst] <= second) | (to_candidate < second)
            rows[worst], medoids[worst] = to_candidate, candidate
            nearest[touched], first[touched], second[touched] = _two_nearest(rows[:, touched])
            turns_without_swap = 0
        turns_without_swap += 1
        candidate = (candidate + 1) % len(distances)
    return medoids


def _two_nearest(rows: Matrix) -> tuple[Indices, Matrix, Matrix]:
    """For each column of `rows` (K + 1, N) the place of the least entry, it, and the least but one."""
    nearest = rows.argmin(axis=0)
    first, second = np.partition(rows, 1, axis=0)[:2]
    return nearest, first, second
