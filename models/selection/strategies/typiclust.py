"""TypiClust (Hacohen, Dekel and Weinshall, 2022): the most typical image of each cluster."""

import numpy as np

from models.catalog import PAIRWISE
from models.selection.ordering import in_order
from models.selection.problem import Problem
from models.selection.strategies.kmedoids import clustered
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import euclidean
from models.vectors.points import Indices, Matrix

NEIGHBOURS = 20
"""An image is typical when its mean distance to so many nearest neighbours is small (the paper's K)."""


def typiclust(problem: Problem) -> Indices:
    """The most typical image of each cluster, by its neighbours there.

    The paper leaves out clusters that hold a labelled image; here fixed images have clusters of their own. It
    takes the largest cluster first; here every prefix is to cover well, as with other strategies.
    """
    return in_order(problem, np.array([_most_typical(problem, rows) for rows in clustered(problem)]))


def _most_typical(problem: Problem, members: Indices) -> int:
    """Of more than `PAIRWISE` members, that many evenly spread ones are judged, by each other."""
    judged = members[:: -(-len(members) // PAIRWISE)]
    points = problem.points[judged]
    count = min(NEIGHBOURS, len(judged) - 1)

    def sums(block: slice) -> Matrix:
        # The nearest one is the image itself.
        nearest = np.partition(euclidean(points[block], points), count, axis=1)[:, : count + 1]
        total: Matrix = nearest.sum(axis=1)
        return total

    return int(judged[np.concatenate(on_all_threads(sums, blocks(len(judged), 1024))).argmin()])
