"""What suggestions learn from, and which of them nobody waits for any more."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import actors, annotations, jobs
from store.filters import in_use
from store.states import TRAIN
from store.tables import Annotation, Image

MOST_FINISHED = 20
"""More photos than these make suggestions slower and hardly better."""


def finished(session: Session, image: Image) -> list[tuple[uuid.UUID, int]]:
    """The newest label maps of other train photos of the image's pool, each as image id and revision."""
    query = (
        select(Annotation.image_id, Annotation.revision)
        .join(Image, Image.id == Annotation.image_id)
        .where(Image.pool_id == image.pool_id, Image.id != image.id, Image.split == TRAIN, in_use())
        .where(annotations.counts())
        .order_by(Annotation.id.desc())
        .limit(MOST_FINISHED)
    )
    return [(image_id, revision) for image_id, revision in session.execute(query)]


def replace(session: Session, image: Image, key: str, asked_at: datetime) -> None:
    """Cancel the suggestions for this image that whoever acts waits for, except the one of this key and those
    of later questions: one that was asked earlier may get here after them.
    """
    mine = actors.current().principal_id
    for job in jobs.unfinished(session, image.pool_id, "suggest"):
        is_same = job.spec["image_id"] == str(image.id) and job.principal_id == mine
        is_older = job.created_at <= asked_at
        if is_same and is_older and "model_id" not in job.spec and job.idempotency_key != key:
            jobs.cancel(session, job.id)
