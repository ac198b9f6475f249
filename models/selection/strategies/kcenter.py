"""k-centre by farthest-first traversal (Gonzalez, 1985), the core-set of Sener and Savarese (2018)."""

import numpy as np

from models.selection.distances import table
from models.selection.points import Indices
from models.selection.problem import Problem


def kcenter(problem: Problem) -> Indices:
    """Each next pick is the candidate whose weighted distance to the picks and the fixed images is largest.

    Without a fixed image the first is the candidate nearest to their weighted mean. Outliers come early.
    """
    points, candidates = problem.points, problem.candidates
    weights, projected = problem.weights[candidates], points.projected[candidates]
    nearest = problem.covered[candidates]
    picks: list[int] = []
    while len(picks) < problem.budget:
        if picks or len(problem.fixed):
            place = int(np.where(nearest < 0, -1, nearest * weights).argmax())
        else:
            counted = weights if weights.any() else np.ones(len(weights))
            place = int(
                np.linalg.norm(projected - np.average(projected, axis=0, weights=counted), axis=1).argmin()
            )
        picks.append(place)
        # Distances in the projection are never longer: only where they are shorter can the true ones be.
        bound = np.linalg.norm(projected - projected[place], axis=1)
        rows = np.flatnonzero(bound < nearest)
        nearest[rows] = np.minimum(nearest[rows], table(points, candidates[[place]], candidates[rows])[0])
        nearest[place] = -1
    return candidates[picks]
