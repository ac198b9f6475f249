"""Selections as they appear in JSON."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Strategy = Literal["kmedoids", "random"]


class Pick(BaseModel):
    model_config = ConfigDict(extra="allow")

    rank: int = Field(description="Label the picks in this order, from 1.")
    image_id: UUID
    name: str
    cluster_size: int | None = Field(description="Images this pick stands for.")
    mean_distance: float | None = Field(
        description="Mean distance of those images' embeddings to this one's."
    )
    coverage: float | None = Field(description="Mean distance of every image to its nearest pick so far.")


class Coverage(BaseModel):
    """How far the pool's images are from their nearest labelled or picked image."""

    model_config = ConfigDict(extra="allow")

    mean: float | None
    maximum: float | None


class Receipt(BaseModel):
    """Everything the picks follow from: the same receipt, the same picks."""

    model_config = ConfigDict(extra="allow")

    image_count: int
    images_digest: str
    encoder: str
    weights_digest: str
    annotated_digest: str
    algorithm_version: str | int
    seed: int


class Selection(BaseModel):
    """The answer to "which images should I label with this budget"."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    pool_id: UUID
    budget: int
    strategy: str
    seed: int
    picks: list[Pick]
    coverage: Coverage
    receipt: Receipt
