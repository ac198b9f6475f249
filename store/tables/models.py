"""Models, and what they say of images: evaluations and uncertainties."""

import uuid
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import Base, Deletable, Row


class Model(Deletable):
    """A translator; its weights are blobs listed in `model_files`.

    One that was trained here has a job; one that was imported has a name.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("pool_id", "name"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("jobs.id"), unique=True)
    name: Mapped[str | None] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(20))
    spec: Mapped[dict[str, Any]]
    receipt: Mapped[dict[str, Any]]
    """What it was trained on: pairs as [image id, revision], how many unpaired photos, and how many unpaired
    label maps of each source."""


class ModelFile(Base):
    __tablename__ = "model_files"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Evaluation(Row):
    """The scores of a model on a split, in one direction; `evaluation_images` has those of its images."""

    __tablename__ = "evaluations"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    split: Mapped[str] = mapped_column(String(5))
    direction: Mapped[str] = mapped_column(String(20))
    scorer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    """The model that judged the photos that this model made of label maps."""
    test_time: Mapped[str] = mapped_column(String(10), server_default="none")
    """The views of a photo that predictions were averaged over, see `models.catalog.TEST_TIME`."""
    metrics: Mapped[dict[str, Any]]
    confusion: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    """Pixels by true and by predicted class, row by row. None: an `rgb` pool, or an older evaluation."""


class EvaluationImage(Base):
    """An image of an evaluation: its scores, and its prediction, a PNG blob."""

    __tablename__ = "evaluation_images"

    evaluation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    score: Mapped[float]
    """The score that images are ordered by; higher is better."""
    scores: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Uncertainty(Base):
    """How unsure a model is of a photo. It is computed once, because neither ever changes."""

    __tablename__ = "uncertainties"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    score: Mapped[float]
    """0, sure, to 1."""
