"""Assignments: photos that one annotator has in hand. Nobody else gets them until the lease ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fewpairs.resource import Described
from fewpairs.selection import copied
from fewpairs.transport import Transport

LEASE_S = 4 * 3600.0


class Assignment(Described):
    """A photo that one annotator has in hand."""

    def __repr__(self) -> str:
        return f"Assignment({self.name} to {self.annotator}: {self.state})"

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def image_id(self) -> str:
        return str(self.document["image_id"])

    @property
    def name(self) -> str:
        """The photo's name."""
        return str(self.document["name"])

    @property
    def rank(self) -> int:
        """The photo's rank among the selection's picks."""
        return int(self.document["rank"])

    @property
    def annotator(self) -> str:
        return str(self.document["annotator"])

    @property
    def state(self) -> str:
        """open, annotated, returned or expired."""
        return str(self.document["state"])

    @property
    def lease_expires_at(self) -> str:
        """The time from which others can get the photo, in ISO 8601."""
        return str(self.document["lease_expires_at"])

    def renew(self, lease_s: float = LEASE_S) -> "Assignment":
        """Keep the photo for `lease_s` seconds from now. Raises FewpairsError if the assignment has ended."""
        path = f"/assignments/{self.id}/renew"
        self.document = self._transport.json("POST", path, json={"lease_s": lease_s})
        return self

    def give_back(self) -> "Assignment":
        """Let others have the photo at once. Changes nothing if the assignment has ended."""
        self.document = self._transport.json("DELETE", f"/assignments/{self.id}")
        return self


class Assignments(Described):
    """The photos that an annotator has in hand now; iterate over it to get each Assignment."""

    def __init__(self, transport: Transport, document: dict[str, Any]) -> None:
        super().__init__(transport, document)
        self.items = [Assignment(transport, item) for item in document["items"]]

    def __iter__(self) -> Iterator[Assignment]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Assignments({[item.name for item in self.items]})"

    @property
    def free(self) -> int:
        """Number of picks of the selection that nobody has in hand or has annotated."""
        return int(self.document["free"])

    def copy_to(self, directory: str | Path) -> list[Path]:
        """Write the photos, as they were uploaded, into a folder. Returns the files."""
        return copied(self._transport, self.items, directory)
