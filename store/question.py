"""What a selection is asked: the options that a select job gets."""

import fnmatch
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from store.states import TRAIN

AUTO: Literal["auto"] = "auto"
OFF: Literal["off"] = "off"


class Named(Protocol):
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def name(self) -> str: ...


NamedImage = TypeVar("NamedImage", bound=Named)


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
    or_fewer: bool = False
    """Whether fewer are picked if there are not as many."""
    split: str = TRAIN
    name: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    candidates: Sequence[str] = ()
    """The only images that may be picked; without any, all may."""
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

    def fits(self, pickable: int) -> bool:
        """Whether it has an answer if so many images can be picked."""
        return self.budget <= pickable or (self.or_fewer and pickable > 0)

    def considered(self, images: Iterable[NamedImage]) -> list[NamedImage]:
        """Those that may be picked by their ids and by their names; upper and lower case differ."""
        ids = {uuid.UUID(candidate) for candidate in self.candidates}
        return [image for image in images if (not ids or image.id in ids) and self._matches(image.name)]

    def _matches(self, name: str) -> bool:
        return self.name is None or fnmatch.fnmatchcase(name, self.name)
