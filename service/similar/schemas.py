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
    image_id: UUID | None = Field(
        description="The image whose neighbours these are; null for an uploaded photo."
    )
    images: int = Field(description="How many embedded images it was compared with.")
    typical_distance: float | None = Field(
        description="The median distance between two images of the pool; null if the pool has only one."
    )
    items: list[NearImage] = Field(description="Nearest first.")


class Group(BaseModel):
    count: int = Field(description="How many images are in the group.")
    images: list[NearImage] = Field(
        description="The image that was uploaded first, and the images within the threshold of it, with "
        "their distance to it; if there are more than 1,000, the nearest."
    )


class Duplicates(BaseModel):
    """Images of a pool that are nearly the same."""

    pool_id: UUID
    within: float = Field(description="The distance up to which images count as duplicates.")
    typical_distance: float | None = Field(
        description="The median distance between two train images of the pool, or between any two images if "
        "there are fewer than two train images; null if the pool has only one image."
    )
    images: int = Field(description="How many images were compared.")
    duplicates: int = Field(description="How many images could be removed: in each group all but the first.")
    group_count: int = Field(description="How many groups there are.")
    across: int = Field(description="How many groups hold both train and test images.")
    groups: list[Group] = Field(
        description="Largest first, with at most 100,000 images in all groups together."
    )
