"""Unpaired label maps as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from service.http.documents import Document


class LabelMap(Document):
    """An unpaired label map, which belongs to no image of the pool."""

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
