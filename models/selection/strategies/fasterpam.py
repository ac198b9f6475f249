"""FasterPAM (Schubert and Rousseeuw, 2021): lowers the k-medoids objective itself by swaps."""

import numpy as np

from models.selection.medoids import medoids
from models.selection.ordering import greedy_order
from models.selection.problem import Problem
from models.selection.strategies.kmedoids import clustered
from models.stopping import stop_if_asked
from models.vectors.distances import distance_table, nearest_centres
from models.vectors.points import Distances, Indices, Matrix

GAIN = 1e-7
"""The least gain that makes a swap, as a share of the objective. Rounding in float32 causes smaller ones."""


def fasterpam(problem: Problem) -> Indices:
    """Start from the paper's answer, and swap a pick for another candidate whenever this lowers the weighted
    sum of distances to the nearest pick or fixed image, until no swap does.

    Of more than `PAIRWISE` candidates, that many are drawn, and swaps are tried and judged among them. If the
    swaps turn out to be worse over all candidates, the start is the answer.
    """
    sample = problem.sample(besides=problem.budget)
    start = medoids(problem.points, clustered(problem), problem.weights)
    rows = np.union1d(sample, start)
    distances = distance_table(problem.points, rows, rows)
    places = np.searchsorted(rows, start)
    picks = rows[swapped(distances, places, problem.covered[rows], problem.weights[rows])]
    if len(sample) < len(problem.candidates) and _uncovered(problem, picks) > _uncovered(problem, start):
        picks = start
    return greedy_order(problem, picks)


def _uncovered(problem: Problem, picks: Indices) -> float:
    """The weighted sum of all images' distances to the nearest pick or fixed image."""
    nearest = np.minimum(problem.covered, nearest_centres(problem.points, picks)[1])
    return float(nearest @ problem.weights)


def swapped(distances: Matrix, medoids: Indices, covered: Matrix, weights: Distances) -> Indices:
    """Medoids (K,) such that no single swap lowers Σ weights · min(covered, distance to the nearest medoid).

    `distances` (N, N) is symmetric; `medoids` are the places in it to start from. Candidates are tried in
    turn. A swap is made at once, with the medoid whose replacement gains most. Each turn takes O(N).
    """
    medoids = medoids.copy()
    rows = np.vstack([distances[medoids], covered])
    nearest, first, second = _two_nearest(rows)
    turns_without_swap, candidate = 0, 0
    while turns_without_swap < len(distances):
        stop_if_asked()
        to_candidate = distances[candidate]
        # The change if the candidate becomes a medoid, and the losses of images whose own medoid is removed.
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
    """For each column of `rows` (K + 1, N): the place of the least entry, the least, and the second least."""
    nearest = rows.argmin(axis=0)
    first, second = np.partition(rows, 1, axis=0)[:2]
    return nearest, first, second
