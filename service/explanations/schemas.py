"""Explanations as they appear in JSON. Distances are Euclidean, between embeddings."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class ExplainedCoverage(BaseModel):
    """Distances from images to the nearest labelled or picked image."""

    mean: float
    maximum: float
    within: float = Field(description="The share of images, 0 to 1, that are within `delta`.")
    delta: float


class RandomDraws(BaseModel):
    """Selections of the same budget that were drawn at random, for comparison."""

    draws: int
    beaten: float = Field(
        description="The share of draws, 0 to 1, whose mean distance is larger than the selection's; a tie "
        "counts half."
    )
    mean: float = Field(description="The average of the draws' mean distances.")
    low: float = Field(description="The 5 % quantile of the draws' mean distances.")
    high: float = Field(description="The 95 % quantile of the draws' mean distances.")
    images: int = Field(description="How many images were measured; in a large pool, a sample.")


class CurvePoint(BaseModel):
    """What the first `budget` picks achieve."""

    budget: int
    mean_distance: float
    random_mean: float = Field(description="The mean distance if the same number is drawn at random.")
    random_low: float = Field(description="The 5 % quantile of such draws.")
    random_high: float = Field(description="The 95 % quantile of such draws.")


class PricedCurvePoint(CurvePoint):
    """What the first `budget` picks achieve, and the time to label them."""

    minutes: float | None = Field(description="The time to label them; null if it is not known.")


class Knee(BaseModel):
    """The point where this selection's curve bends most; it depends on the budget of the selection."""

    budget: int
    method: str


class Cost(BaseModel):
    """Labelling times, estimated from how long annotators worked on the label maps of the pool; if that was
    never measured, from how long they held the images.
    """

    minutes_per_image: float = Field(description="The median of the annotators' times.")
    minutes: float = Field(description="The time to label all picks.")
    minutes_to_knee: float | None = Field(
        description="The time to label the picks up to the knee; null if there is no knee."
    )


class Member(BaseModel):
    """An image that a pick stands for."""

    image_id: UUID
    name: str
    distance: float = Field(description="Distance to the pick.")


class ExplainedPick(BaseModel):
    rank: int
    image_id: UUID
    name: str
    count: int = Field(description="How many images have this pick as their nearest one, the pick included.")
    mean_distance: float = Field(
        description="Mean distance of the other images to the pick; 0 if there are none."
    )
    nearest: list[Member] = Field(
        description="The 24 nearest other images; `/selections/{id}/picks/{rank}/images` lists all "
        "that are not deleted."
    )


class BroughtPatch(BaseModel):
    """A part of a photo, as shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float
    gain: float = Field(description="The part of the pick's `gain` that this patch gives.")
    new: float = Field(
        description="The share of vocabularies, 0 to 1, in which it shows a word that no labelled image and "
        "no earlier pick shows."
    )


class Brought(BaseModel):
    """What one pick adds to the visual words that labelled images and earlier picks show."""

    rank: int
    gain: float = Field(
        description="How much the pick raises the sum of the square roots of the patches of every word, on "
        "average over the vocabularies."
    )
    shown: float = Field(description="The share of all images' patches, 0 to 1, whose word is shown by then.")
    patches: list[BroughtPatch] = Field(description="The patches that add most, at most 6.")


class Words(BaseModel):
    """The picks of the strategy `words` in terms of visual words: patches that look alike."""

    knee: int | None = Field(
        description="The number of picks where `shown` bends most: further picks show few new words. Null if "
        "it does not bend, or for fewer than three picks."
    )
    picks: list[Brought]


class LeftOutCounts(BaseModel):
    """Images that were neither picked nor covered because they are too similar; the selection lists them."""

    near_test: int = Field(description="Images too similar to an image of the test split.")
    duplicates: int = Field(description="Near-duplicates of an image that counts for them.")


class Explained(BaseModel):
    """How good a selection is, and why: the result of an explain job."""

    selection_id: UUID
    pool_id: UUID
    budget: int
    images: int = Field(description="How many images the selection was to cover.")
    labelled: int = Field(description="How many of them were annotated when the selection was made.")
    left_out: LeftOutCounts
    coverage: ExplainedCoverage
    random: RandomDraws
    curve: Sequence[CurvePoint]
    knee: Knee | None = Field(description="Null if the curve does not bend, or has fewer than three points.")
    picks: list[ExplainedPick]
    words: Words | None = Field(None, description="Null for strategies other than `words`.")


class Links(BaseModel):
    selection: str
    map: str
    map_png: str
    curve_png: str


class Explanation(Explained):
    """How good a selection is, and why."""

    curve: Sequence[PricedCurvePoint]
    deleted: list[UUID] = Field(
        description="The pool's images that are deleted now; the map, and `nearest` of a pick, may name them."
    )
    cost: Cost | None = Field(description="Null if no labelling time is known yet.")
    links: Links


class MapPoint(BaseModel):
    """An image as a point in the plane."""

    image_id: UUID
    name: str
    x: float
    y: float
    cluster: int | None = Field(
        description="The rank of the nearest pick; null if a labelled image is nearer."
    )
    distance: float = Field(description="Distance to the nearest pick or labelled image.")
    nearer: list[tuple[int, float]] | None = Field(
        None,
        description="Rank and distance of each pick that is nearer than the labelled images and all picks "
        "before it, in the order of the ranks; rank 0 is the nearest labelled image. So the last one up to a "
        "rank is the nearest of the picks up to it. Null in maps that were made before this was told.",
    )
    pick: bool
    labelled: bool


class PoolMap(BaseModel):
    """A pool as points in a plane. Images that were left out have no point."""

    method: Literal["pca", "umap"]
    explained_variance: tuple[float, float] | None = Field(
        description="The share of the variance along each axis; null with `umap`."
    )
    points: list[MapPoint]
