"""The control strategy: a uniform draw without replacement, in the order of the draw."""

import numpy as np

from models.selection.distances import Indices, Vectors, distances_to


def random_draw(
    embeddings: Vectors, candidates: Indices, budget: int, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Draws `budget` of the `candidates`; each candidate belongs to the cluster of its nearest pick.

    Returns the picks, (budget,), and for every candidate the place of its cluster's pick among them.
    """
    places = rng.permutation(len(candidates))[:budget]
    picks = candidates[places]
    clusters = distances_to(embeddings, picks)[candidates].argmin(axis=1)
    clusters[places] = np.arange(budget)  # A pick belongs to its own cluster, even where it equals another.
    return picks, clusters
