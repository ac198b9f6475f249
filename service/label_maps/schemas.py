"""Unpaired label maps as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class LabelMap(BaseModel):
    """An unpaired label map, which belongs to no image of the pool."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    pool_id: UUID
    source: str
    name: str
    sha256: str
    size_bytes: int
    width: int
    height: int
    media_type: str
    created_at: datetime
