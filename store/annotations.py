"""Queries of annotations. Revisions count from 1 and never change; the newest one counts."""

import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.chunks import rows_where_in
from store.tables import Annotation, Image


def newest(session: Session, image_id: uuid.UUID) -> Annotation | None:
    query = select(Annotation).where(Annotation.image_id == image_id)
    return session.scalar(query.order_by(Annotation.revision.desc()).limit(1))


def revision(session: Session, image_id: uuid.UUID, number: int) -> Annotation | None:
    return session.scalar(
        select(Annotation).where(Annotation.image_id == image_id, Annotation.revision == number)
    )


def digests(session: Session, revisions: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, str]:
    """The SHA-256 of each image's annotation in the given revision, by the ids of the images."""
    query = select(Annotation.image_id, Annotation.revision, Annotation.sha256)
    return {
        image_id: sha256
        for image_id, number, sha256 in rows_where_in(session, query, Annotation.image_id, revisions)
        if number == revisions[image_id]
    }


def newest_locked(session: Session, image_id: uuid.UUID) -> Annotation | None:
    """The newest annotation. It stays the newest until the transaction ends."""
    session.execute(select(Image.id).where(Image.id == image_id).with_for_update(key_share=True))
    return newest(session, image_id)


def add(session: Session, annotation: Annotation) -> Annotation:
    """Add a revision of an image's annotation."""
    session.add(annotation)
    session.flush()
    return annotation
