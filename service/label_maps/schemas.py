"""Unpaired label maps as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from service.label_map_files import LabelMapFile


class LabelMap(LabelMapFile):
    """An unpaired label map, which belongs to no image of the pool."""

    id: UUID
    pool_id: UUID
    source: str
    name: str
    width: int
    height: int
    created_at: datetime
