"""Explanations as they appear in JSON. Distances are Euclidean, between embeddings."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Coverage(BaseModel):
    """How far images are from the nearest one that is labelled or picked."""

    mean: float
    maximum: float
    within: float = Field(description="The share of images, 0 to 1, that are within `delta`.")
    delta: float


class RandomDraws(BaseModel):
    """Selections of the same budget that were drawn at random, for comparison."""

    model_config = ConfigDict(extra="allow")

    draws: int
    beaten: float = Field(
        description="The share of draws, 0 to 1, whose mean distance is above the selection's; equal ones "
        "count half. Of a large pool, on a sample of its images."
    )
    mean: float = Field(description="The draws' mean distance, on average.")
    low: float = Field(description="Its 5 % quantile.")
    high: float = Field(description="Its 95 % quantile.")


class CurvePoint(BaseModel):
    """What the first `budget` picks achieve."""

    budget: int
    mean_distance: float
    random_mean: float = Field(description="The mean distance of as many images drawn at random.")
    minutes: float | None = Field(None, description="What labelling them takes; null: not known.")


class Knee(BaseModel):
    """Where this selection's curve bends most; it moves with the budget asked for."""

    budget: int
    method: str


class Cost(BaseModel):
    """What labelling takes, by how long annotators held the images they have annotated so far."""

    minutes_per_image: float = Field(description="The median of the annotators' times.")
    minutes: float = Field(description="For all the picks.")
    minutes_to_knee: float | None = Field(description="For the picks up to the knee.")


class Member(BaseModel):
    """An image that a pick stands for."""

    model_config = ConfigDict(from_attributes=True)

    image_id: UUID
    name: str
    distance: float = Field(description="To the pick.")


class ExplainedPick(BaseModel):
    rank: int
    image_id: UUID
    name: str
    count: int = Field(description="How many images it is the nearest pick of, itself among them.")
    mean_distance: float = Field(description="Of the others to it; 0: there are none.")
    nearest: list[Member] = Field(
        description="The nearest 24 others; `/selections/{id}/picks/{rank}/images` has all."
    )


class LeftOut(BaseModel):
    """Images that were neither picked nor covered for their likeness; the selection lists them."""

    near_test: int = Field(description="Too like an image of the test split.")
    duplicates: int = Field(description="Near-duplicates of an image that counts for them.")


class Links(BaseModel):
    selection: str
    map: str
    map_png: str
    curve_png: str


class Explanation(BaseModel):
    """How good a selection is, and why."""

    model_config = ConfigDict(extra="allow")

    selection_id: UUID
    pool_id: UUID
    budget: int
    images: int = Field(description="How many images count: those the selection was to cover.")
    labelled: int = Field(description="How many of them were annotated when it was made.")
    left_out: LeftOut
    coverage: Coverage
    random: RandomDraws
    curve: list[CurvePoint]
    knee: Knee | None = Field(description="Null: it bends nowhere, or has fewer than three points.")
    cost: Cost | None = Field(description="Null: no annotator's time is known yet.")
    picks: list[ExplainedPick]
    links: Links
