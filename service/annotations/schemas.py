"""Annotations as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Annotation(BaseModel):
    """One revision of the label map of an image."""

    model_config = ConfigDict(from_attributes=True)

    image_id: UUID
    revision: int = Field(description="Counts from 1; the newest counts. Also the ETag.")
    sha256: str
    size_bytes: int
    media_type: str
    created_at: datetime
