"""Maps as they appear in JSON, in columns: a pool may have a hundred thousand photos."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class MapOptions(BaseModel):
    """What is told of each photo besides its place."""

    model_config = ConfigDict(extra="forbid")

    share_of: str | None = Field(
        None, max_length=100, description="Name of a class: also its share of each label map."
    )
    model: UUID | None = Field(
        None, description="A model of the pool: also how unsure it is of each photo that it has judged."
    )


class PoolColumns(BaseModel):
    """The embedded photos of a pool: all lists have the same length, and entry n is of photo n."""

    method: Literal["pca", "umap"]
    explained_variance: tuple[float, float] | None = Field(
        description="The share of the variance along each axis; null with `umap`."
    )
    image_ids: list[UUID]
    x: list[float]
    y: list[float]
    cluster: list[int] = Field(description="Photos of one number, from 0, look alike.")
    test: list[int] = Field(description="1: a test photo; 0: a train photo.")
    labelled: list[int] = Field(description="1: the photo has an annotation.")
    excluded: list[int] = Field(description="1: the photo is left out of selections and trainings.")
    share: list[float | None] | None = Field(
        description="The share of the labelled pixels, 0 to 1, that are of the class `share_of`; null of "
        "photos without an annotation, and null as a whole if no class is named."
    )
    uncertainty: list[float | None] | None = Field(
        description="0, sure, to 1; null of photos that `model` has not judged, and as a whole without it."
    )
