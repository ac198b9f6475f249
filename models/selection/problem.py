"""The question that a strategy answers, and what the strategies share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.catalog import PAIRWISE
from models.selection.patches import Patches
from models.vectors.distances import nearest_centres
from models.vectors.points import Distances, Indices, Matrix, Points


@dataclass(frozen=True)
class Problem:
    """Pick `budget` of the `candidates`, rows (C,). The rows `fixed` (F,) are labelled already, or picked in
    any case. Every image has a weight, `weights` (N,); an image of weight 0 need not be covered. The features
    of the images' patches are there if they were given.
    """

    points: Points
    candidates: Indices
    fixed: Indices
    weights: Distances
    budget: int
    rng: np.random.Generator
    patches: Patches | None = None

    @cached_property
    def covered(self) -> Matrix:
        """The distance of every image to the nearest fixed one, (N,); infinite if there is no fixed one."""
        return nearest_centres(self.points, self.fixed)[1]

    def sample(self, besides: int = 0) -> Indices:
        """All candidates, or, of more than `PAIRWISE`, that many drawn uniformly, in the order of their rows.
        With `besides`, that many fewer are drawn, to leave room for others that are compared with them.

        Raises ValueError if the budget is larger than `PAIRWISE`.
        """
        if self.budget > PAIRWISE:
            raise ValueError(
                f"This strategy compares all pairs of images and picks at most {PAIRWISE}, not "
                f"{self.budget}: take kmedoids."
            )
        if len(self.candidates) <= PAIRWISE:
            return self.candidates
        return np.sort(self.rng.choice(self.candidates, PAIRWISE - besides, replace=False))


Strategy = Callable[[Problem], Indices]
"""Answers a problem with `budget` different candidates, in the order to label them."""
