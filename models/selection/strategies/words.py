"""Coverage of visual words: a feature-based submodular function (Lin and Bilmes, 2011)."""

import numpy as np

from models.selection.patches import Counts, find_words
from models.selection.problem import Problem
from models.stopping import stop_if_asked
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.points import Distances, Indices

IMAGES_A_BLOCK = 2048

DECIMALS = 9
"""Gains that differ by less are equal, and the first image wins: rounding must not decide."""

REFRESHED = 64
"""Images whose gains are computed again at a time."""


def words(problem: Problem) -> Indices:
    """Each next pick raises Σ_w u_w · √(patches of word w in the picks so far) the most.

    Patches of fixed images count as well. A word's weight u_w is the root of the number of its patches in all
    images, times their mean weight, where a patch weighs as much as its image. The picks for a smaller budget
    are a prefix of the picks for a larger one.
    """
    assert problem.patches
    images = np.union1d(problem.candidates, problem.fixed)
    counts = find_words(problem.patches, images, problem.rng).counts(problem.patches, images)
    weights = word_weights(counts, problem.weights[images])
    is_fixed = np.isin(images, problem.fixed)
    seen = counts[is_fixed].sum(axis=0, dtype=np.float64)
    places = np.flatnonzero(~is_fixed)
    return images[greedy_cover(counts, places, seen, weights, problem.budget)]


def word_weights(counts: Counts, weights: Distances) -> Distances:
    """For each word, the mean weight of its patches times the root of their number, (W,)."""
    parts = on_all_threads(
        lambda part: np.stack([weights[part], np.ones(part.stop - part.start)]) @ counts[part],
        blocks(len(counts), IMAGES_A_BLOCK),
    )
    weighted, plain = np.sum(parts, axis=0)
    found: Distances = weighted / np.sqrt(np.maximum(plain, 1))
    return found


def greedy_cover(
    counts: Counts, places: Indices, seen: Distances, weights: Distances, budget: int
) -> Indices:
    """Choose `budget` of the `places`, rows of `counts` (M, W), in the order of choice. Each next one raises
    Σ weights · √seen the most, where `seen` (W,) holds the patches of each word so far.

    These gains only shrink as more is chosen. So an earlier gain is an upper bound, and only the images with
    the largest bounds are computed again (Minoux, 1978).
    """

    def gains(among: Indices) -> Distances:
        def part(block: slice) -> Distances:
            raised = (np.sqrt(seen + counts[places[among[block]]]) - np.sqrt(seen)) @ weights
            return np.round(raised, DECIMALS)

        return np.concatenate(on_all_threads(part, blocks(len(among), IMAGES_A_BLOCK)))

    bounds = gains(np.arange(len(places)))
    is_exact = np.ones(len(places), bool)
    chosen: list[int] = []
    while len(chosen) < budget:
        stop_if_asked()
        while not is_exact[best := int(bounds.argmax())]:
            doubtful = np.where(is_exact, -np.inf, bounds)
            largest = np.argpartition(-doubtful, min(REFRESHED, len(places)) - 1)[:REFRESHED]
            largest = largest[~is_exact[largest]]
            bounds[largest], is_exact[largest] = gains(largest), True
        chosen.append(best)
        seen = seen + counts[places[best]]
        bounds[best] = -np.inf
        is_exact = np.isneginf(bounds)
    return places[chosen]
