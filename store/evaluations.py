"""Queries of evaluations and of the images that they scored."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from store import pages
from store.filters import has, in_use, kept
from store.tables import Evaluation, EvaluationImage, Image

Sort = Literal["score", "-score", "name", "-name"]
"""What the images of an evaluation are ordered by; with a minus, the largest first."""

KEYS: dict[str, Any] = {"added": Image.id, "score": EvaluationImage.score, "name": Image.name}


@dataclass(frozen=True)
class Wanted:
    """Which images of an evaluation, and in which order."""

    evaluation_id: uuid.UUID
    contains: str | None = None
    """A part of the name; the case of letters does not matter."""
    sort: Sort = "score"


@dataclass(frozen=True)
class ScoredImage:
    """An image of an evaluation; `id` is the id of the image. `score` is None if nothing could be scored."""

    id: uuid.UUID
    name: str
    score: float | None
    scores: dict[str, Any]


def add(session: Session, evaluation: Evaluation, images: Iterable[EvaluationImage]) -> None:
    """Add an evaluation with its images. Their predictions must be kept as blobs before."""
    session.add(evaluation)
    session.flush()
    session.add_all(images)
    session.flush()


def get(session: Session, evaluation_id: uuid.UUID) -> Evaluation | None:
    return session.get(Evaluation, evaluation_id)


def left(session: Session, evaluation_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    """How many images of each evaluation have left its split since, or are not in use; 0 is left out."""
    query = (
        select(Evaluation.id, func.count())
        .join(EvaluationImage, EvaluationImage.evaluation_id == Evaluation.id)
        .join(Image, Image.id == EvaluationImage.image_id)
        .where(Evaluation.id.in_(list(evaluation_ids)), or_(Image.split != Evaluation.split, ~in_use()))
        .group_by(Evaluation.id)
    )
    return dict(session.execute(query).all())


def image(session: Session, evaluation_id: uuid.UUID, image_id: uuid.UUID) -> EvaluationImage | None:
    return session.get(EvaluationImage, (evaluation_id, image_id))


def predictions(session: Session, evaluation_id: uuid.UUID) -> list[tuple[Image, EvaluationImage]]:
    """The images of an evaluation with their predictions, in the order of their ids."""
    query = select(Image, EvaluationImage).join(EvaluationImage, EvaluationImage.image_id == Image.id)
    of_this = EvaluationImage.evaluation_id == evaluation_id, kept(Image)
    rows = session.execute(query.where(*of_this).order_by(Image.id))
    return [(image, predicted) for image, predicted in rows]


def images(
    session: Session, wanted: Wanted, *, cursor: str | None, limit: int
) -> tuple[list[ScoredImage], str | None]:
    """Images with their scores, and the next page's cursor. Raises WrongCursor."""
    rows, following = pages.ordered(session, _wanted(wanted), KEYS, wanted.sort, cursor=cursor, limit=limit)
    found = [
        ScoredImage(id, name, None if None in scores.values() else score, scores)
        for id, name, score, scores in rows
    ]
    return found, following


def total(session: Session, wanted: Wanted) -> int:
    """How many images there are, on all pages."""
    return pages.total(session, _wanted(wanted))


def _wanted(wanted: Wanted) -> Select[uuid.UUID, str, float, dict[str, Any]]:
    query = select(Image.id, Image.name, EvaluationImage.score, EvaluationImage.scores)
    query = query.join(EvaluationImage, EvaluationImage.image_id == Image.id)
    query = query.where(EvaluationImage.evaluation_id == wanted.evaluation_id, kept(Image))
    return query if wanted.contains is None else query.where(has(wanted.contains, Image.name))
