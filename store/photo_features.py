"""An encoder's features of photos: blobs, one for each view of a photo. Each is computed once and kept."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.chunks import rows_where_in
from store.tables import Image, PhotoFeatures


def of_images(session: Session, image_ids: Iterable[uuid.UUID]) -> list[tuple[str, PhotoFeatures]]:
    """All features of these images, of any encoder, each with the SHA-256 of the photo."""
    query = select(Image.sha256, PhotoFeatures).join(Image, Image.id == PhotoFeatures.image_id)
    rows = rows_where_in(session, query, PhotoFeatures.image_id, image_ids)
    return [(sha256, features) for sha256, features in rows]


def images_by_sha256(session: Session, image_ids: Iterable[uuid.UUID]) -> dict[str, uuid.UUID]:
    """One of these images for each photo, by the SHA-256 of the photo."""
    rows = rows_where_in(session, select(Image.sha256, Image.id), Image.id, image_ids)
    return {sha256: image_id for sha256, image_id in rows}


def add(session: Session, rows: Sequence[PhotoFeatures]) -> None:
    """Keep features. Those that another worker has added in the meantime are as good, and stay."""
    names = [column.name for column in PhotoFeatures.__table__.columns]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for row in rows:
        values = {name: getattr(row, name) for name in names}
        session.execute(dialect.insert(PhotoFeatures).values(values).on_conflict_do_nothing())
