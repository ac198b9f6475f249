"""Queries of evaluations and of the images that they scored."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import Session

from store.filters import in_use, kept
from store.tables import Evaluation, EvaluationImage, Image


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
    session: Session, evaluation_id: uuid.UUID, *, order: str, after: uuid.UUID | None, limit: int
) -> Sequence[ScoredImage]:
    """Images in the order "worst", "best" or "name" that come after the image `after`."""
    of_this = (EvaluationImage.evaluation_id == evaluation_id, Image.id == EvaluationImage.image_id)
    key: list[ColumnElement[Any]] = (
        [Image.name.expression] if order == "name" else [EvaluationImage.score.expression]
    )
    key.append(Image.id.expression)
    query = (
        select(Image.id, Image.name, EvaluationImage.score, EvaluationImage.scores)
        .where(*of_this, kept(Image))
        .order_by(*(column.desc() if order == "best" else column for column in key))
        .limit(limit)
    )
    if after:
        there = select(*key).where(*of_this, Image.id == after).correlate(None).scalar_subquery()
        query = query.where(tuple_(*key) < there if order == "best" else tuple_(*key) > there)
    return [
        ScoredImage(id, name, None if None in scores.values() else score, scores)
        for id, name, score, scores in session.execute(query)
    ]
