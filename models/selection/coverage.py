"""How well a choice of images covers a pool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.selection.distances import Vectors, distances_to


@dataclass(frozen=True)
class Coverage:
    """The Euclidean distance from an image to its nearest pick: the mean and the maximum over all images."""

    mean: float
    maximum: float


def coverage(embeddings: Vectors, picks: Sequence[int]) -> Coverage:
    """How well the images `picks` cover all the images of `embeddings`, (N, D). Smaller is better.

    The mean is what k-medoids lowers, the maximum what k-centre lowers. Raises ValueError without picks.
    """
    if len(picks) == 0:
        raise ValueError("Coverage needs at least one pick.")
    nearest = distances_to(embeddings, np.asarray(picks, np.intp)).min(axis=1)
    return Coverage(float(nearest.mean()), float(nearest.max()))
