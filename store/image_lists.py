"""Lists of a pool's images: which, in which order, and how many there are."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Float, Select, cast, exists, null, select
from sqlalchemy.orm import Session

from store import annotations, pages
from store.filters import has, kept
from store.states import TEST
from store.tables import Annotation, Event, Image, Principal, Uncertainty

Sort = Literal["added", "-added", "name", "-name", "pixels", "-pixels", "uncertainty", "-uncertainty"]
"""What images are ordered by; with a minus, the largest first."""

KEYS: dict[str, Any] = {
    "added": Image.id,
    "name": Image.name,
    "pixels": cast(Image.width, Float) * Image.height,
    "uncertainty": Uncertainty.score,
}


@dataclass(frozen=True)
class Wanted:
    """Which images, and in which order. None stands for all."""

    pool_id: uuid.UUID
    sort: Sort = "added"
    ids: Collection[uuid.UUID] | None = None
    split: str | None = None
    name: str | None = None
    contains: str | None = None
    """A part of the name; the case of letters does not matter."""
    annotated: bool | None = None
    annotated_by: str | None = None
    """The name of a principal who has annotated it."""
    excluded: bool | None = None
    failed: bool | None = None
    """Whether it could not be embedded."""
    model: uuid.UUID | None = None
    """Only images of which it is known how unsure this model is."""
    deleted: bool = False


def page(
    session: Session, wanted: Wanted, *, cursor: str | None, skip: int = 0, limit: int
) -> tuple[list[tuple[Image, int | None, float | None]], str | None]:
    """Images with the revisions of their annotations and how unsure the model is of them, and the next page's
    cursor. Raises WrongCursor."""
    uncertainty = Uncertainty.score if wanted.model else null()
    query = _filtered(select(Image, _revision(), uncertainty), wanted)
    rows, following = pages.ordered(session, query, KEYS, wanted.sort, cursor=cursor, skip=skip, limit=limit)
    return [(image, revision, score) for image, revision, score in rows], following


def total(session: Session, wanted: Wanted) -> int:
    """How many images there are, on all pages."""
    return pages.total(session, _filtered(select(Image.id), wanted))


def _revision() -> Any:
    """The revision of an image's annotation, or NULL."""
    newest = select(Annotation.revision).where(Annotation.image_id == Image.id, annotations.counts())
    return newest.correlate(Image).scalar_subquery()


def _filtered(query: Select[Any], wanted: Wanted) -> Select[Any]:
    conditions: list[ColumnElement[bool] | None] = [
        Image.pool_id == wanted.pool_id,
        ~kept(Image) if wanted.deleted else kept(Image),
        None if wanted.ids is None else Image.id.in_(wanted.ids),
        None if wanted.split is None else Image.split == wanted.split,
        None if wanted.name is None else Image.name == wanted.name,
        None if wanted.contains is None else has(wanted.contains, Image.name),
        None if wanted.annotated is None else _revision().is_not(None) == wanted.annotated,
        None if wanted.annotated_by is None else _annotated_by(wanted.annotated_by),
        None if wanted.excluded is None else Image.excluded == wanted.excluded,
        None if wanted.failed is None else Image.embed_error.is_not(None) == wanted.failed,
    ]
    query = query.where(*(condition for condition in conditions if condition is not None))
    if wanted.model:
        scored = Uncertainty.image_id == Image.id, Uncertainty.model_id == wanted.model
        query = query.join(Uncertainty, scored[0] & scored[1])
    return query


def _annotated_by(name: str) -> ColumnElement[bool]:
    """Whether this principal has sent a label map of the image."""
    return exists().where(
        Event.subject_id == Image.id,
        Event.action == "annotated",
        Event.principal_id == Principal.id,
        Principal.name == name,
    )


@dataclass(frozen=True)
class Mark:
    """What a map shows of an image besides its place."""

    test: bool
    labelled: bool
    excluded: bool
    class_pixels: list[int] | None = None

    def share(self, place: int) -> float | None:
        """The share of the labelled pixels that are of the class at this position; None: not known."""
        pixels = self.class_pixels
        return round(pixels[place] / sum(pixels), 4) if pixels and place < len(pixels) else None


def marks(session: Session, pool_id: uuid.UUID, *, with_pixels: bool = False) -> dict[uuid.UUID, Mark]:
    """The marks of a pool's images that are not deleted, by their ids."""
    pixels = (Annotation.class_pixels,) if with_pixels else ()
    drawn = select(Annotation.image_id, *pixels).join(Image, Image.id == Annotation.image_id)
    drawn = drawn.where(Image.pool_id == pool_id, annotations.counts())
    found = {image_id: rest[0] if rest else None for image_id, *rest in session.execute(drawn)}
    query = select(Image.id, Image.split, Image.excluded).where(Image.pool_id == pool_id, kept(Image))
    return {
        image_id: Mark(split == TEST, image_id in found, excluded, found.get(image_id))
        for image_id, split, excluded in session.execute(query)
    }
