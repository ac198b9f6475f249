"""Explanations as they appear in JSON. Distances are Euclidean, between embeddings."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class Coverage(BaseModel):
    """How far images are from the nearest one that is labelled or picked."""

    mean: float
    maximum: float
    within: float = Field(description="The share of images, 0 to 1, that are within `delta`.")
    delta: float


class RandomDraws(BaseModel):
    """Selections of the same budget that were drawn at random, for comparison."""

    draws: int
    beaten: float = Field(
        description="The share of draws, 0 to 1, whose mean distance is above the selection's; a tie counts "
        "half."
    )
    mean: float = Field(description="The average of the draws' mean distances.")
    low: float = Field(description="Their 5 % quantile.")
    high: float = Field(description="Their 95 % quantile.")
    images: int = Field(description="How many images were measured: a sample of a large pool.")


class CurvePoint(BaseModel):
    """What the first `budget` picks achieve."""

    budget: int
    mean_distance: float
    random_mean: float = Field(description="The mean distance if the same number is drawn at random.")
    random_low: float = Field(description="The 5 % quantile of such draws.")
    random_high: float = Field(description="The 95 % quantile of such draws.")


class PricedCurvePoint(CurvePoint):
    """What the first `budget` picks achieve, and what labelling them takes."""

    minutes: float | None = Field(description="The time to label them; null: not known.")


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


class Explained(BaseModel):
    """How good a selection is, and why: what an explain job finds out."""

    selection_id: UUID
    pool_id: UUID
    budget: int
    images: int = Field(description="How many images the selection was to cover.")
    labelled: int = Field(description="How many of them were annotated when it was made.")
    left_out: LeftOut
    coverage: Coverage
    random: RandomDraws
    curve: Sequence[CurvePoint]
    knee: Knee | None = Field(description="Null: the curve bends nowhere, or has fewer than three points.")
    picks: list[ExplainedPick]


class Links(BaseModel):
    selection: str
    map: str
    map_png: str
    curve_png: str


class Explanation(Explained):
    """How good a selection is, and why."""

    curve: Sequence[PricedCurvePoint]
    cost: Cost | None = Field(description="Null: no annotator's time is known yet.")
    links: Links


class MapPoint(BaseModel):
    """An image as a point in the plane."""

    image_id: UUID
    name: str
    x: float
    y: float
    cluster: int | None = Field(description="The rank of the nearest pick; null: a labelled image is nearer.")
    distance: float = Field(description="To the nearest pick or labelled image.")
    pick: bool
    labelled: bool


class PoolMap(BaseModel):
    """A pool as points in a plane. Images that were left out have no point."""

    method: Literal["pca", "umap"]
    explained_variance: tuple[float, float] | None = Field(
        description="The share of the variance along each axis; null with `umap`."
    )
    points: list[MapPoint]
