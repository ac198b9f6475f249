"""TypiClust (Hacohen, Dekel and Weinshall, 2022): the most typical image of each cluster."""

import numpy as np

from models.catalog import PAIRWISE
from models.selection.ordering import greedy_order
from models.selection.problem import Problem
from models.selection.strategies.kmedoids import clustered
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import euclidean
from models.vectors.points import Indices, Matrix

NEIGHBOURS = 20
"""The number of nearest neighbours (the paper's K). An image is typical if its mean distance to them is
small.
"""


def typiclust(problem: Problem) -> Indices:
    """The most typical image of each cluster, judged by its neighbours in the cluster.

    The paper leaves out clusters that hold a labelled image; here fixed images have clusters of their own.
    The paper takes the largest cluster first; here every prefix covers well, as with the other strategies.
    """
    return greedy_order(problem, np.array([_most_typical(problem, rows) for rows in clustered(problem)]))


def _most_typical(problem: Problem, members: Indices) -> int:
    """The most typical member. Of more than `PAIRWISE` members, that many evenly spaced ones are compared."""
    judged = members[:: -(-len(members) // PAIRWISE)]
    points = problem.points[judged]
    count = min(NEIGHBOURS, len(judged) - 1)

    def sums(block: slice) -> Matrix:
        # The nearest image is the image itself.
        nearest = np.partition(euclidean(points[block], points), count, axis=1)[:, : count + 1]
        total: Matrix = nearest.sum(axis=1)
        return total

    return int(judged[np.concatenate(on_all_threads(sums, blocks(len(judged), 1024))).argmin()])
