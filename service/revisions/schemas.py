"""Revisions of annotations as they appear in JSON."""

from datetime import datetime

from pydantic import Field

from service.label_map_files import LabelMapFile


class Revision(LabelMapFile):
    """One of the label maps that an image has had."""

    revision: int = Field(description="Revisions count from 1, and the newest is used.")
    by: str | None = Field(description="Who made it; null if that is not known, and for imports.")
    withdrawn: bool = Field(description="Whether it takes the label map before it back, and has none.")
    created_at: datetime
