"""Evaluations as they appear in JSON, and as they are ordered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.catalog import PHOTOS_TO_LABELS
from service.http.fields import Direction, Split


class Evaluation(BaseModel):
    """The scores of a model on a split."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    model_id: UUID
    job_id: UUID
    split: str
    direction: str = Field(examples=["photos_to_labels"])
    scorer_id: UUID | None = Field(description="The model that judged the photos made of label maps.")
    metrics: dict[str, Any]
    created_at: datetime


class ScoredImage(BaseModel):
    """The scores of one image."""

    model_config = ConfigDict(from_attributes=True)

    image_id: UUID = Field(validation_alias="id")
    name: str
    score: float = Field(
        description="What images are ordered by, the higher the better: the mean IoU over the classes in its "
        "truth; in an `rgb` pool, minus the mean absolute error."
    )
    scores: dict[str, Any]


class NewEvaluation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model_id: UUID
    split: Split = "test"
    direction: Direction = Field(
        PHOTOS_TO_LABELS,
        description="What to judge: the label maps it makes of photos, or the photos it makes of label maps.",
    )
    scorer: UUID | None = Field(
        None,
        description="For `labels_to_photos`: the model of the pool that segments the photos made, to be "
        "compared with the label maps they were made of.",
    )
