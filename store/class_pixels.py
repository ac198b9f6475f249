"""What annotations hold: the pixels of each class, by its position in the class table."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import annotations
from store.filters import in_use
from store.tables import Annotation, Image


@dataclass
class ClassPixels:
    """The sums over some label maps. Those of older databases are not counted."""

    label_maps: int = 0
    pixels: Counter[int] = field(default_factory=Counter)
    label_maps_with: Counter[int] = field(default_factory=Counter)
    """The number of label maps that have the class."""
    unlabelled: int = 0

    def add(self, class_pixels: Sequence[int], unlabelled: int) -> None:
        present = {place: count for place, count in enumerate(class_pixels) if count}
        self.label_maps += 1
        self.pixels.update(present)
        self.label_maps_with.update(present.keys())
        self.unlabelled += unlabelled


def of_pools(session: Session, pool_ids: Iterable[uuid.UUID]) -> Mapping[tuple[uuid.UUID, str], ClassPixels]:
    """What the newest annotations of each pool hold, by pool and split."""
    ids = list(pool_ids)
    query = (
        select(Image.pool_id, Image.split, Annotation.class_pixels, Annotation.unlabelled_pixels)
        .join(Annotation, Annotation.image_id == Image.id)
        .where(Image.pool_id.in_(ids), in_use(), annotations.counts())
    )
    found: dict[tuple[uuid.UUID, str], ClassPixels] = defaultdict(ClassPixels)
    for pool_id, split, class_pixels, unlabelled in session.execute(query):
        if class_pixels is not None and unlabelled is not None:
            found[pool_id, split].add(class_pixels, unlabelled)
    return found


def missing(class_table: dict[str, Any] | None, pairs: Iterable[Annotation]) -> list[str] | None:
    """The names of the classes that none of the annotations has; None if that is not known."""
    sums = ClassPixels()
    for annotation in pairs:
        if annotation.class_pixels is None or annotation.unlabelled_pixels is None:
            return None
        sums.add(annotation.class_pixels, annotation.unlabelled_pixels)
    if class_table is None or not sums.label_maps:
        return None
    return [entry["name"] for place, entry in enumerate(class_table["classes"]) if not sums.pixels[place]]
