"""What a selection starts from, and the selections that were made."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.tables import Annotation, Image, Selection


@dataclass(frozen=True)
class Candidates:
    """The train images of a pool, and digests that change whenever a selection could."""

    images: int
    waiting: int
    """Neither embedded nor found impossible to embed."""
    pickable: int
    """Embedded and not annotated."""
    images_digest: str
    """SHA-256 over the sorted lines `<hexadecimal image id><SHA-256 of its bytes>` of the embedded images."""
    annotated_digest: str
    """SHA-256 over the sorted hexadecimal ids of the annotated images, not separated."""


def candidates(session: Session, pool_id: uuid.UUID) -> Candidates:
    in_train = (Image.pool_id == pool_id, Image.split == "train")
    query = select(Image.id, Image.sha256, Image.shard_id, Image.embed_error).where(*in_train)
    images = session.execute(query).all()
    annotated = set(
        session.scalars(
            select(Annotation.image_id).join(Image, Image.id == Annotation.image_id).where(*in_train)
        )
    )
    return Candidates(
        images=len(images),
        waiting=sum(image.shard_id is None and image.embed_error is None for image in images),
        pickable=sum(image.shard_id is not None and image.id not in annotated for image in images),
        images_digest=_digest(image.id.hex + image.sha256 for image in images if image.shard_id),
        annotated_digest=_digest(image_id.hex for image_id in annotated),
    )


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def get(session: Session, selection_id: uuid.UUID) -> Selection | None:
    return session.get(Selection, selection_id)
