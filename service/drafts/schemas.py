"""Drafts as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from service.http.documents import Document


class Draft(Document):
    """Your unfinished label map of an image."""

    image_id: UUID
    revision: int | None = Field(
        description="The revision of the annotation that it goes on from; null if the image had none."
    )
    active_seconds: float = Field(description="How long you have worked on it.")
    sha256: str = Field(description="Of what is kept; also the ETag.")
    size_bytes: int
    updated_at: datetime
