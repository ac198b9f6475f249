"""Photos, and what an encoder computed of them."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from store.states import SPLITS
from store.tables.base import Base, Contributed, Deletable, Row


class Image(Contributed, Deletable):
    """One photo of a pool."""

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("pool_id", "name"),
        Index(None, "pool_id", "id"),
        Index(None, "pool_id", "sha256"),
        Index(
            "ix_images_waiting",
            "pool_id",
            "split",
            sqlite_where=text("shard_id IS NULL AND embed_error IS NULL"),
            postgresql_where=text("shard_id IS NULL AND embed_error IS NULL"),
        ),
        CheckConstraint(f"split IN {SPLITS}", name="split"),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    name: Mapped[str] = mapped_column(String(255))
    split: Mapped[str] = mapped_column(String(5))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    width: Mapped[int]
    height: Mapped[int]
    embed_job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), index=True)
    shard_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("shards.id"))
    excluded: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it is left out of selections, trainings and evaluations."""
    embed_error: Mapped[str | None]
    """Why the worker could not embed the image, although the service accepted it."""


class Shard(Row):
    """An immutable block of embeddings: one `.npy` blob, float16 (len(image_ids), dimension)."""

    __tablename__ = "shards"

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    image_ids: Mapped[list[str]]
    """Hexadecimal image ids in row order."""
    patches_sha256: Mapped[str | None] = mapped_column(String(64))
    """A `.npy` blob of patch features, float16 (len(image_ids), patches, dimension). None: not computed."""


class PhotoFeatures(Base):
    """An encoder's features of one view of a photo: a blob, made once, as none of these ever changes."""

    __tablename__ = "photo_features"

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    weights_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    view: Mapped[str] = mapped_column(String(100), primary_key=True)
    """The size of the photo and the part of it that the encoder saw, as `models.training` names it."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
