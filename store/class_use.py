"""What knows a class by its position in the class table, so that the class cannot be taken out."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import blobs, jobs, models
from store.blobs import BlobDamaged, BlobMissing, Blobs
from store.job_kinds import Kind
from store.tables import Annotation, Deletable, Draft, DrawnLabels, Image, LabelMap, Model

READ_THE_TABLE: tuple[tuple[Kind, str], ...] = (
    ("train", "training"),
    ("import", "import"),
    ("scenes", "drawing of scenes"),
)
"""The kinds of jobs that read the class table when they begin and use it at their end, and their names."""
MOST_CLASSES = 255


@dataclass(frozen=True)
class Use:
    """Something that may use a class. The id of an annotation or a draft is that of its image."""

    kind: Literal["annotation", "draft", "label_map", "model", "job"]
    id: uuid.UUID
    words: str


def uses(session: Session, store: Blobs, pool_id: uuid.UUID, first: int) -> Iterator[Use]:
    """What uses a class at the position `first` or behind it, in any revision, and also what was deleted and
    can be taken back. What is not known to use none of them counts: label maps whose pixels were never
    counted, models whose file is damaged.
    """
    yield from _annotations(session, pool_id, first)
    drafts = select(Image, Draft).join(Draft, Draft.image_id == Image.id).where(Image.pool_id == pool_id)
    for image, draft in session.execute(drafts):
        if _is_drawn_with(draft, first):
            yield Use("draft", image.id, f"an unfinished label map of {image.name}{_deleted(image)}")
    for label_map in session.scalars(select(LabelMap).where(LabelMap.pool_id == pool_id)):
        if _is_drawn_with(label_map, first):
            words = f"the unpaired label map {label_map.name} of the source {label_map.source}"
            yield Use("label_map", label_map.id, words + _deleted(label_map))
    for model in session.scalars(select(Model).where(Model.pool_id == pool_id)):
        if _class_count(session, store, model) > first:
            words = f"the {model.method} model {model.name or model.id}"
            yield Use("model", model.id, words + _deleted(model))
    for kind, noun in READ_THE_TABLE:
        for job in jobs.unfinished(session, pool_id, kind):
            yield Use("job", job.id, f"the {noun} {job.id}, which is {job.state}")


def _annotations(session: Session, pool_id: uuid.UUID, first: int) -> Iterator[Use]:
    """One use for each image, of its newest revision that has one of the classes."""
    query = select(Image, Annotation).join(Annotation, Annotation.image_id == Image.id)
    rows = session.execute(query.where(Image.pool_id == pool_id).order_by(Image.id, Annotation.revision))
    newest = {
        image: annotation
        for image, annotation in rows
        if not annotation.withdrawn and _is_drawn_with(annotation, first)
    }
    for image, annotation in newest.items():
        words = f"the label map of {image.name} in revision {annotation.revision}{_deleted(image)}"
        yield Use("annotation", image.id, words)


def _is_drawn_with(row: DrawnLabels | Draft, first: int) -> bool:
    return row.class_pixels is None or any(row.class_pixels[first:])


def _class_count(session: Session, store: Blobs, model: Model) -> int:
    """The number of classes that a model tells apart; the most that there can be if that is not known."""
    file = models.file(session, model.id, models.SPEC_FILE)
    if file is None:
        return MOST_CLASSES
    try:
        return len(json.loads(blobs.read(store, file.sha256))["class_table"]["classes"])
    except (BlobMissing, BlobDamaged, ValueError, LookupError, TypeError):
        return MOST_CLASSES


def _deleted(row: Deletable) -> str:
    return "" if row.gone_at is None else " (deleted, and not removed for good yet)"
