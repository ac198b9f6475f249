"""Suggestions: label maps that the service proposes for a photo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewpairs.jobs import Job, settled
from fewpairs.model import Translation
from fewpairs.transport import Transport


@dataclass(frozen=True)
class Suggestion:
    """A proposed label map, and how much each pixel of it is in doubt.

    `label_map` holds class indices with a palette of their colours; `doubt` is grey, 0 where the class is
    sure, 255 where it is as good as wrong. `document` says what it was learned from.
    """

    label_map: Translation
    doubt: Translation
    document: dict[str, Any]


def suggest(
    transport: Transport, image_id: str, strokes: str | Path | None, model: str | None, by_model: bool
) -> Suggestion:
    """Ask for a suggestion, and wait for it. Raises FewpairsError or JobFailed."""
    address = f"/images/{image_id}/suggestion"
    while True:
        if by_model:
            response = transport.request("GET", address, params={"model": model})
        else:
            response = transport.request("POST", address, file=Path(strokes) if strokes else None)
        if response.status_code == 200:
            break
        settled(Job(transport, response.json()))
    document = response.json()
    label_map, doubt = (
        Translation(
            transport.request("GET", f"/jobs/{document['job_id']}/output", params={"format": format}).content
        )
        for format in ("label_map", "doubt")
    )
    return Suggestion(label_map, doubt, document)
