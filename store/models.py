"""Queries of models, their files and their evaluations."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.blobs import Blob
from store.filters import kept
from store.pages import newest_first
from store.states import TRAIN
from store.tables import Evaluation, Image, Job, Model, ModelFile

SPEC_FILE = "spec.json"
"""The file of a model that has its class table."""


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


def page(session: Session, pool_id: uuid.UUID, *, before: uuid.UUID | None, limit: int) -> Sequence[Model]:
    """Models made before the model `before`, newest first."""
    query = newest_first(select(Model), Model, before, limit, pool_id=pool_id)
    return session.scalars(query.where(kept(Model))).all()


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
