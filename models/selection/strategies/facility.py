"""Facility location: greedy picks on the k-medoids objective (Nemhauser, Wolsey and Fisher, 1978)."""

from models.selection.ordering import greedy
from models.selection.problem import Problem
from models.vectors.distances import distance_table
from models.vectors.points import Indices


def facility(problem: Problem) -> Indices:
    """Each next pick lowers the weighted sum of the distances to the nearest pick or fixed image the most.

    So the picks for a smaller budget are a prefix of the picks for a larger one. Of more than `PAIRWISE`
    candidates, that many are drawn: only they are picked, and only they are covered.
    """
    rows = problem.sample()
    distances = distance_table(problem.points, rows, rows)
    return rows[greedy(distances, problem.covered[rows], problem.weights[rows], problem.budget)]
