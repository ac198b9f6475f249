"""What a training or an evaluation reads of a pool."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import annotations
from store.chunks import rows_where_in
from store.filters import in_use, kept
from store.tables import Annotation, Image, LabelMap


def annotated(
    session: Session, pool_id: uuid.UUID, split: str, *, limit: int | None = None
) -> list[tuple[Image, Annotation]]:
    """The images of a split that have an annotation, each with it, in the order of their ids."""
    query = (
        select(Image, Annotation)
        .join(Annotation, Annotation.image_id == Image.id)
        .where(Image.pool_id == pool_id, Image.split == split, in_use(), annotations.counts())
        .order_by(Image.id)
        .limit(limit)
    )
    return [(image, annotation) for image, annotation in session.execute(query)]


def pairs(session: Session, revisions: Iterable[tuple[str, int]]) -> list[tuple[Image, Annotation]]:
    """The images with these ids, each with the annotation of that revision, in the given order.

    Raises LookupError for an image that was deleted.
    """
    wanted = [(uuid.UUID(image_id), revision) for image_id, revision in revisions]
    query = select(Image, Annotation).join(Annotation, Annotation.image_id == Image.id).where(kept(Image))
    found: dict[tuple[uuid.UUID, int], tuple[Image, Annotation]] = {
        (image.id, annotation.revision): (image, annotation)
        for image, annotation in rows_where_in(session, query, Image.id, {id for id, _ in wanted})
    }
    for image_id, revision in wanted:
        if (image_id, revision) not in found:
            raise LookupError(f"the image {image_id}, or revision {revision} of its annotation, was deleted")
    return [found[pair] for pair in wanted]


def train_photos(session: Session, pool_id: uuid.UUID) -> Sequence[Image]:
    """The train photos in use that could be decoded, in the order of their ids."""
    query = select(Image).where(
        Image.pool_id == pool_id, Image.split == "train", Image.embed_error.is_(None), in_use()
    )
    return session.scalars(query.order_by(Image.id)).all()


def unpaired_label_maps(
    session: Session, pool_id: uuid.UUID, sources: Sequence[str] | None
) -> Sequence[LabelMap]:
    """The unpaired label maps of these sources (None: of all sources), in the order of their ids."""
    query = select(LabelMap).where(LabelMap.pool_id == pool_id, kept(LabelMap)).order_by(LabelMap.id)
    if sources is not None:
        query = query.where(LabelMap.source.in_(sources))
    return session.scalars(query).all()
