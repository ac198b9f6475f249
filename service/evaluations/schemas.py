"""Evaluations as they appear in JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


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
