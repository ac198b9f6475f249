"""Annotations as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Annotation(BaseModel):
    """One revision of an image's label map."""

    model_config = ConfigDict(from_attributes=True)

    image_id: UUID
    revision: int = Field(description="Revisions count from 1, and the newest is used. Also the ETag.")
    sha256: str
    size_bytes: int
    media_type: str
    created_at: datetime
