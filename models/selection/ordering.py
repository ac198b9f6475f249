"""Greedy choices: each next one lowers the images' distances to their nearest pick the most."""

import heapq

import numpy as np

from models.selection.problem import Problem
from models.stopping import stop_if_asked
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import distance_table
from models.vectors.points import Distances, Indices, Matrix

TABLE = 250_000_000
"""Distances that are kept in memory at a time: 1 GB."""

GAINS = 2**22
"""Distances that a thread turns into gains at a time: 16 MiB, and twice as much for intermediate results."""


def greedy(distances: Matrix, nearest: Matrix, weights: Distances, count: int) -> Indices:
    """Choose `count` of the rows of `distances` (K, N), each a candidate's distances to all images; return
    their places in the order of choice. Each next choice lowers the weighted sum of `nearest` (N,), the
    distances to the nearest choice so far, the most.

    These gains only shrink as more is chosen (the sum is submodular). So an earlier gain is an upper bound,
    and only the head of the queue has to be computed again (Minoux, 1978). The total gain is at least 1 − 1/e
    of the largest possible one (Nemhauser, Wolsey and Fisher, 1978).
    """
    nearest = np.minimum(nearest, distances.max())

    def gain(place: int) -> float:
        return float(np.maximum(nearest - distances[place], 0) @ weights)

    gains = np.concatenate(
        on_all_threads(
            lambda block: np.maximum(nearest - distances[block], 0) @ weights,
            blocks(len(distances), max(1, GAINS // len(weights))),
        )
    )
    queue = [(-gain, place) for place, gain in enumerate(gains)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while len(chosen) < count:
        stop_if_asked()
        _, place = heapq.heappop(queue)
        now = (-gain(place), place)
        if queue and now > queue[0]:
            heapq.heappush(queue, now)
        else:
            chosen.append(place)
            nearest = np.minimum(nearest, distances[place])
    return np.array(chosen, np.intp)


def greedy_order(problem: Problem, picks: Indices) -> Indices:
    """The `picks` in the greedy order of their gains, so that every prefix covers well for its length.

    If there are more than `TABLE` distances between picks and candidates, evenly spaced candidates stand for
    all.
    """
    if not len(picks):
        return picks
    images = problem.candidates[:: -(-len(picks) * len(problem.candidates) // TABLE)]
    distances = distance_table(problem.points, picks, images)
    return picks[greedy(distances, problem.covered[images], problem.weights[images], len(picks))]
