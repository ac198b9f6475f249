"""Drafts: label maps of photos that are not finished, which only their owners see."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from fewpairs.model import Translation


@dataclass(frozen=True)
class Draft:
    """Your unfinished label map of a photo.

    `label_map` holds class indices with a palette of their colours. `revision` is that of the annotation
    which it goes on from, None if there was none; `active_seconds` is how long you have worked on it.
    """

    label_map: Translation
    revision: int | None
    active_seconds: float
    updated_at: datetime

    @classmethod
    def of(cls, response: httpx.Response) -> "Draft":
        """The draft in an answer of the service."""
        revision = response.headers.get("Fewpairs-Revision")
        return cls(
            label_map=Translation(response.content),
            revision=int(revision) if revision else None,
            active_seconds=float(response.headers["Fewpairs-Active-Seconds"]),
            updated_at=parsedate_to_datetime(response.headers["Last-Modified"]),
        )

    def save(self, path: str | Path) -> Path:
        """Write the label map, a PNG. Missing folders are created."""
        return self.label_map.save(path)
