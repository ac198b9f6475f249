"""Queries of models, their files and their evaluations."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from store import pages
from store.blobs import Blob
from store.filters import has, kept
from store.states import TRAIN
from store.tables import Evaluation, Image, Job, Model, ModelFile

SPEC_FILE = "spec.json"
"""The file of a model that has its class table."""

Sort = Literal["added", "-added", "name", "-name", "method", "-method"]
"""What models are ordered by; with a minus, the largest first. One without a name has its recipe's."""

RECIPE = Model.spec["recipe"].as_string()
KEYS: dict[str, Any] = {
    "added": Model.id,
    "name": func.coalesce(Model.name, RECIPE, ""),
    "method": Model.method,
}


@dataclass(frozen=True)
class Wanted:
    """Which models of a pool, and in which order."""

    pool_id: uuid.UUID
    contains: str | None = None
    """A part of the name, the method or the recipe; the case of letters does not matter."""
    sort: Sort = "-added"


def add(session: Session, model: Model, files: Mapping[str, Blob]) -> None:
    """Add a model with its files by name."""
    session.add(model)
    session.flush()
    session.add_all(
        ModelFile(model_id=model.id, name=name, sha256=blob.sha256, size_bytes=blob.size)
        for name, blob in files.items()
    )
    session.flush()


def get(session: Session, model_id: uuid.UUID) -> Model | None:
    return session.get(Model, model_id)


def trained_on(session: Session, image: Image) -> list[Model]:
    """The pool's models that learned from this image: from its annotation, from the photo
    alone, or through the model that they started from.
    """
    query = select(Model).where(Model.pool_id == image.pool_id, Model.job_id.is_not(None), kept(Model))
    found: list[Model] = []
    for model in session.scalars(query.order_by(Model.id)):
        started = model.receipt.get("start_from") in {str(earlier.id) for earlier in found}
        if started or _learned_from(model, image):
            found.append(model)
    return found


def _learned_from(model: Model, image: Image) -> bool:
    is_pair = any(image_id == str(image.id) for image_id, _ in model.receipt.get("pairs", []))
    saw_all = model.receipt.get("unpaired_photos", 0) > 0 and image.split == TRAIN
    return is_pair or (saw_all and image.created_at < model.created_at)


def by_name(session: Session, pool_id: uuid.UUID, name: str) -> Model | None:
    """The pool's imported model of this name."""
    return session.scalar(select(Model).where(Model.pool_id == pool_id, Model.name == name))


def page(
    session: Session, wanted: Wanted, *, cursor: str | None = None, limit: int
) -> tuple[list[Model], str | None]:
    """Models, and the next page's cursor. Raises WrongCursor."""
    rows, following = pages.ordered(session, _wanted(wanted), KEYS, wanted.sort, cursor=cursor, limit=limit)
    return [model for (model,) in rows], following


def total(session: Session, wanted: Wanted) -> int:
    """How many models there are, on all pages."""
    return pages.total(session, _wanted(wanted))


def _wanted(wanted: Wanted) -> Select[Model]:
    query = select(Model).where(Model.pool_id == wanted.pool_id, kept(Model))
    if wanted.contains is not None:
        query = query.where(has(wanted.contains, Model.name, Model.method, RECIPE))
    return query


def file(session: Session, model_id: uuid.UUID, name: str) -> ModelFile | None:
    return session.get(ModelFile, (model_id, name))


def files(session: Session, model_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, list[ModelFile]]:
    """The files of each model, ordered by name."""
    found: dict[uuid.UUID, list[ModelFile]] = defaultdict(list)
    query = select(ModelFile).where(ModelFile.model_id.in_(list(model_ids))).order_by(ModelFile.name)
    for row in session.scalars(query):
        found[row.model_id].append(row)
    return found


def evaluations(session: Session, model_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, list[Evaluation]]:
    """The evaluations of each model, oldest first, but for those whose jobs were deleted."""
    found: dict[uuid.UUID, list[Evaluation]] = defaultdict(list)
    query = select(Evaluation).join(Job, Job.id == Evaluation.job_id).where(kept(Job))
    of_these = query.where(Evaluation.model_id.in_(list(model_ids)))
    for row in session.scalars(of_these.order_by(Evaluation.id)):
        found[row.model_id].append(row)
    return found
