"""Similar images as they appear in JSON. Distances are Euclidean, between embeddings."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from store.states import Split

MostImages = Annotated[
    int, Query(ge=1, le=1000, description="The largest number of images in the answer; there may be fewer.")
]


class NearImage(BaseModel):
    image_id: UUID
    name: str
    split: Split
    distance: float


class Similar(BaseModel):
    """The images of a pool that look most like a photo."""

    pool_id: UUID
    image_id: UUID | None = Field(description="The image that was asked about; null: an uploaded photo.")
    images: int = Field(description="How many images it was compared with: those embedded by then.")
    typical_distance: float | None = Field(
        description="The median distance of two images of the pool; null: it has only one."
    )
    items: list[NearImage] = Field(description="The nearest first.")


class Group(BaseModel):
    count: int = Field(description="How many images are in the group.")
    images: list[NearImage] = Field(
        description="The first uploaded of them, and those that lie within the threshold of it, with their "
        "distance to it: of more than 1,000 the nearest."
    )


class Duplicates(BaseModel):
    """Images of a pool that are nearly the same."""

    pool_id: UUID
    within: float = Field(description="The distance up to which images count as duplicates.")
    typical_distance: float | None = Field(
        description="The median distance of two train images of the pool, or of any two where it has not two "
        "train images; null: it has only one image."
    )
    images: int = Field(description="How many images were compared.")
    duplicates: int = Field(description="How many could go: of each group all but the first.")
    group_count: int = Field(description="How many groups there are.")
    across: int = Field(description="How many groups hold both train and test images.")
    groups: list[Group] = Field(description="The largest first, of up to 100,000 images in all.")
