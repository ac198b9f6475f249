"""Annotations as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from service.http.documents import Document
from service.label_map_files import LabelMapFile


class Annotation(LabelMapFile):
    """One revision of an image's label map."""

    image_id: UUID
    revision: int = Field(description="Revisions count from 1, and the newest is used. Also the ETag.")
    active_seconds: float | None = Field(description="How long a person worked on it; null: not measured.")
    created_at: datetime


class Withdrawal(Document):
    """The revision that takes an image's annotation back."""

    image_id: UUID
    revision: int = Field(description="Also the ETag.")
    created_at: datetime
