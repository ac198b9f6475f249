"""k-centre by farthest-first traversal (Gonzalez, 1985), the core-set of Sener and Savarese (2018)."""

import numpy as np

from models.selection.problem import Problem
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import distance_table, euclidean
from models.vectors.points import Distances, Indices, Points


def kcenter(problem: Problem) -> Indices:
    """Each next pick is the candidate whose weighted distance to the picks and the fixed images is largest.

    Without fixed images the first pick is the candidate nearest to the candidates' weighted mean. Outliers
    are picked early.
    """
    points, candidates = problem.points, problem.candidates
    weights, projected = problem.weights[candidates], points.projected[candidates]
    nearest = problem.covered[candidates]
    picks: list[int] = []
    while len(picks) < problem.budget:
        if picks or len(problem.fixed):
            place = int(np.where(nearest < 0, -1, nearest * weights).argmax())
        else:
            place = _nearest_to_mean(points, candidates, weights)
        picks.append(place)
        # A projected distance is never longer than the true one, so no other row can have come nearer.
        bound = np.linalg.norm(projected - projected[place], axis=1)
        rows = np.flatnonzero(bound < nearest)
        distances = distance_table(points, candidates[[place]], candidates[rows])[0]
        nearest[rows] = np.minimum(nearest[rows], distances)
        nearest[place] = -1
    return candidates[picks]


def _nearest_to_mean(points: Points, rows: Indices, weights: Distances) -> int:
    """The place in `rows` (M,) of the row nearest to their mean, weighted by `weights` (M,)."""
    shares = weights / weights.sum() if weights.any() else np.full(len(rows), 1 / len(rows))
    parts = blocks(len(rows))
    mean = np.sum(on_all_threads(lambda part: shares[part] @ points[rows[part]], parts), axis=0)
    distances = on_all_threads(
        lambda part: euclidean(points[rows[part]], mean[None].astype(np.float32)), parts
    )
    return int(np.concatenate(distances).argmin())
