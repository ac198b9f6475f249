"""What a selection is asked: the options that a select job gets."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from store.states import TRAIN

AUTO: Literal["auto"] = "auto"
OFF: Literal["off"] = "off"


@dataclass(frozen=True)
class Question:
    """Which images to label with a budget. Ids are texts.

    `name` is a glob. `duplicates_within` and `test_distance` are Euclidean distances between embeddings, or
    "auto". With `duplicates_within` None and `test_distance` "off" no image is left out for its likeness to
    another.
    """

    budget: int
    strategy: str
    seed: int
    split: str = TRAIN
    name: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    duplicates_within: float | Literal["auto"] | None = None
    test_distance: float | Literal["auto", "off"] = AUTO
    balance: bool = False
    model: str | None = None
    count_copies: bool = True
    """Whether images with the same bytes count one by one, as in all questions of before this was asked."""

    @property
    def looks_at_tests(self) -> bool:
        """Whether the picks depend on the test images."""
        return self.split == TRAIN and self.test_distance != OFF

    def matches(self, name: str) -> bool:
        """Whether the glob matches an image's name, case-sensitively; without a glob every name matches."""
        return self.name is None or fnmatch.fnmatchcase(name, self.name)
