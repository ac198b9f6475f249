"""What a strategy is asked, and what strategies share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.catalog import PAIRWISE
from models.vectors.distances import nearest_of
from models.vectors.points import Distances, Indices, Matrix, Points


@dataclass(frozen=True)
class Problem:
    """`budget` of the `candidates`, rows (C,), are to be picked, when the rows `fixed` (F,) are labelled
    already or picked in any case. Every image counts by its weight of `weights` (N,); 0 needs no cover.
    """

    points: Points
    candidates: Indices
    fixed: Indices
    weights: Distances
    budget: int
    rng: np.random.Generator

    @cached_property
    def covered(self) -> Matrix:
        """The distance of every image to the nearest fixed one, (N,); infinite where there is none."""
        return nearest_of(self.points, self.fixed)[1]

    def sample(self, besides: int = 0) -> Indices:
        """The candidates, or `PAIRWISE` of them drawn uniformly, in the order of their rows; fewer where
        `besides` others are to be compared with them.

        Raises ValueError when the budget is larger than `PAIRWISE`.
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
"""Answers a problem with `budget` different candidates, the one to label first at the head."""
