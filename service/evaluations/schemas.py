"""Evaluations as they appear in JSON, and the order of one."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from models.catalog import DEFAULT_TEST_TIME, PHOTOS_TO_LABELS
from service.http.documents import Document
from service.http.fields import TEST_TIME_MEANS, Body, Direction, Id, TestTime
from store import tables
from store.states import Split


class ClassScore(BaseModel):
    """The scores of one class."""

    name: str
    accuracy: float | None = Field(
        description="The share of the class's true pixels that were predicted as this class; null if none."
    )
    iou: float | None = Field(
        description="Intersection over union; null if the class was neither there nor predicted."
    )
    pixels: int = Field(description="The number of the class's true pixels.")


class ClassMetrics(BaseModel):
    """Scores of a pool with classes: shares, 0 to 1, of all pixels that the annotations label; null if they
    label none."""

    pixel_accuracy: float | None
    mean_accuracy: float | None = Field(
        description="Over all classes; a class that no annotation has counts as 0."
    )
    mean_iou: float | None = Field(
        description="Over all classes; a class that no annotation has counts as 0."
    )
    mean_iou_present: float | None = Field(description="Over the classes that the annotations have.")
    doubtful_share: float | None = Field(
        description="The share of pixels for which a second class was almost as good."
    )
    expected_calibration_error: float | None = Field(
        None,
        description="How far the probability of the predicted class is from the share of right pixels, in 15 "
        "bins of probability; null if the model gives no probabilities.",
    )
    errors_in_least_sure: float | None = Field(
        None,
        description="The share of all errors that the least sure fifth of the pixels holds: 0.2 if the "
        "probabilities tell nothing; null if the model gives none, or makes no error.",
    )
    per_class: list[ClassScore]


Shares = dict[str, float]


class RgbMetrics(BaseModel):
    """Scores of an `rgb` pool: means over its images. Keys are tolerances, of 255."""

    within: Shares = Field(description="The share of pixels whose largest channel difference is below.")
    mean_absolute_error: float = Field(description="Over channels, 0 to 255.")
    constant: Shares | None = Field(
        description="The scores of an image of one constant colour; null if no train image is annotated."
    )
    constant_color: dict[str, tuple[int, int, int]] | None = Field(description="The constant colours, RGB.")


class ClassImageScores(BaseModel):
    """The scores of one image of a pool with classes; null if its annotation labels no pixel."""

    pixel_accuracy: float | None
    mean_iou: float | None = Field(description="Over the classes that the image's annotation has.")


class RgbImageScores(BaseModel):
    """The scores of one image of an `rgb` pool: shares of pixels within a tolerance, and the error."""

    within_5: float
    within_10: float
    within_16: float
    within_20: float
    mean_absolute_error: float = Field(description="Over channels, 0 to 255.")


class Evaluation(Document):
    """The scores of a model on a split."""

    id: UUID
    model_id: UUID
    job_id: UUID
    split: str
    direction: str = Field(examples=["photos_to_labels"])
    scorer_id: UUID | None = Field(
        description="The model that scored the photos made from label maps; null otherwise."
    )
    test_time: str = Field(description=TEST_TIME_MEANS, examples=["none"])
    metrics: ClassMetrics | RgbMetrics
    left: int = Field(
        description="How many of its images have left the split since, or are excluded now: do not compare "
        "its scores with those of later evaluations."
    )
    created_at: datetime

    @classmethod
    def of(cls, row: tables.Evaluation, left: Mapping[UUID, int]) -> "Evaluation":
        """`left` as `store.evaluations.left` gives it."""
        return cls.of_row(row, left=left.get(row.id, 0))


class Confusion(BaseModel):
    """Which classes a model has taken for which."""

    classes: list[str] = Field(description="In the order of the class table.")
    pixels: list[list[int]] = Field(
        description="The number of pixels by true class, and in each by predicted class."
    )


class ScoredImage(Document):
    """The scores of one image."""

    image_id: UUID = Field(validation_alias="id")
    name: str
    score: float | None = Field(
        description="Images are ordered by this number; higher is better: the mean IoU over the classes "
        "in the annotation; in an `rgb` pool, minus the mean absolute error. Null, and last of the worst, if "
        "there is nothing to score."
    )
    scores: ClassImageScores | RgbImageScores


class NewEvaluation(Body):
    model_id: Id
    split: Split = "test"
    direction: Direction = Field(
        PHOTOS_TO_LABELS,
        description="What to score: label maps made from photos, or photos made from label maps.",
    )
    scorer: Id | None = Field(
        None,
        description="For `labels_to_photos`: a model of the pool that segments the generated photos. "
        "Its label maps are compared with those that the photos were made from.",
    )
    test_time: TestTime = Field(DEFAULT_TEST_TIME, description=TEST_TIME_MEANS)
