"""Advice as it appears in JSON."""

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import Field

from models.advice import DEVICES
from models.measured import DATA_SET
from service.http.documents import Document
from service.http.fields import Strategy

if TYPE_CHECKING:
    Device = str
else:
    Device = Literal[DEVICES]


class Situation(Document):
    """What the advice depends on."""

    pairs: int = Field(description="Annotated train images.")
    unpaired_photos: int = Field(description="Train images without an annotation.")
    has_classes: bool
    encoder: str
    device: Device = Field(description="Where trainings run.")


class TrainingAdvice(Document):
    """A training: `method`, `recipe` and `options` are the body that orders it."""

    method: str
    recipe: str
    options: dict[str, Any]
    image_size: int = Field(description="Side in pixels of the crops to train on.")
    total_steps: int | None = Field(description="Null: the number of epochs decides.")
    mean_iou: float | None = Field(
        description=f"What it reached on {DATA_SET} with as many pairs; null: not measured."
    )
    minutes: float | None = Field(description="How long that took on two CPU cores; null: not measured.")
    reasons: list[str] = Field(description="Why, one sentence each.")


class LabelAdvice(Document):
    """Which images to label next."""

    strategy: Strategy
    budget: int = Field(description="How many images to label before the next training.")
    gain: float | None = Field(
        description=f"What so many more pairs added to the mean IoU on {DATA_SET}; null: not measured."
    )
    reasons: list[str] = Field(description="Why, one sentence each.")


class Method(Document):
    """A training method, and what it learns from."""

    name: str
    summary: str
    needs_pairs: bool
    needs_unpaired: bool = Field(description="It learns also from photos and label maps without a pair.")
    learns_classes: bool = Field(description="It cannot learn images without classes.")


class Advice(Document):
    """How to train on what a pool has, and what to label next."""

    pool_id: UUID
    situation: Situation
    training: TrainingAdvice | None = Field(
        description="Makes the model to keep; an order without a method gets it. Null: label first."
    )
    preview: TrainingAdvice | None = Field(description="A model in seconds; null: there is none.")
    paper: TrainingAdvice | None = Field(description="The paper's method, to compare with.")
    labels: LabelAdvice | None = Field(description="Null: every image is annotated.")
    methods: list[Method] = Field(description="All that can be ordered.")
