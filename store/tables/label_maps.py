"""Label maps: annotations of images, drafts, and those of no image."""

import uuid
from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import Base, Contributed, Deletable


class DrawnLabels(Contributed):
    """A label map. Its blob is what counts: with classes, a grey PNG of positions in the class table."""

    __abstract__ = True

    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    original_sha256: Mapped[str | None] = mapped_column(String(64))
    """The bytes as they were sent. None: the same as what counts."""
    original_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    original_media_type: Mapped[str | None] = mapped_column(String(50))
    class_pixels: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Pixels of each class, by position. None: not counted (no classes, or an older row)."""
    unlabelled_pixels: Mapped[int | None] = mapped_column(BigInteger)


class LabelMap(DrawnLabels, Deletable):
    """An unpaired label map. Names are unique within a source: a data set, or a program that draws."""

    __tablename__ = "label_maps"
    __table_args__ = (UniqueConstraint("pool_id", "source", "name"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    source: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    width: Mapped[int]
    height: Mapped[int]


class Annotation(DrawnLabels):
    """An accepted label map of an image; revisions count from 1 and the newest counts."""

    __tablename__ = "annotations"
    __table_args__ = (UniqueConstraint("image_id", "revision"),)

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"))
    revision: Mapped[int]
    withdrawn: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The revision takes the label map before it back, whose columns it repeats: the image has none again."""
    active_seconds: Mapped[float | None]
    """How long a person worked on it. None: not measured."""


class Draft(Base):
    """Somebody's unfinished label map of an image; nothing learns from it or counts it."""

    __tablename__ = "drafts"

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), primary_key=True, index=True)
    revision: Mapped[int | None]
    """The revision of the annotation that it goes on from. None: the image had no annotation."""
    active_seconds: Mapped[float] = mapped_column(default=0)
    class_pixels: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """As of label maps that count."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    updated_at: Mapped[datetime] = mapped_column(index=True)
