"""Annotations as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from service.http.documents import Document


class Annotation(Document):
    """One revision of an image's label map."""

    image_id: UUID
    revision: int = Field(description="Revisions count from 1, and the newest is used. Also the ETag.")
    sha256: str
    size_bytes: int
    media_type: str
    created_at: datetime
