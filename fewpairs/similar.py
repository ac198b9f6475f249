"""Similar images: the images nearest to a photo, and duplicates in a pool."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewpairs.errors import FewpairsError
from fewpairs.jobs import result_of
from fewpairs.transport import Transport


@dataclass(frozen=True)
class NearImage:
    """An image, and the Euclidean distance of its embedding to the photo in question."""

    image_id: str
    name: str
    split: str
    distance: float


class Similar:
    """The images of a pool that look most like a photo; iterate over it to get them, nearest first."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.items = [NearImage(**item) for item in document["items"]]

    def __iter__(self) -> Iterator[NearImage]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Similar({[image.name for image in self.items]})"

    @property
    def typical_distance(self) -> float | None:
        """The median distance of two images of the pool, to compare with. None if the pool has only one."""
        return self.document["typical_distance"]  # type: ignore[no-any-return]


class Duplicates:
    """Images of a pool that are nearly the same, in groups: each image is near the first of its group.

    `groups` is limited: it has the nearest 1,000 images of a group, and the largest groups.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.groups = [[NearImage(**image) for image in group["images"]] for group in document["groups"]]

    def __repr__(self) -> str:
        return f"Duplicates(groups={self.group_count}, within={self.within:.3g})"

    @property
    def within(self) -> float:
        """The distance up to which images count as duplicates."""
        return float(self.document["within"])

    @property
    def duplicates(self) -> int:
        """Number of images that could be left out: all but the first of each group."""
        return int(self.document["duplicates"])

    @property
    def group_count(self) -> int:
        """Number of groups."""
        return int(self.document["group_count"])

    @property
    def across(self) -> int:
        """Number of groups that hold both train and test images."""
        return int(self.document["across"])

    @property
    def sizes(self) -> list[int]:
        """Number of images in each of the `groups`."""
        return [group["count"] for group in self.document["groups"]]


def similar(transport: Transport, pool_id: str, photo: str | Path, limit: int) -> Similar:
    """The images nearest to an image of the pool, given by name or id, or to a file on this machine.

    An existing file wins over a pool image of the same name. Raises FewpairsError if there is neither.
    """
    if Path(photo).is_file():
        path = f"/pools/{pool_id}/search"
        response = transport.request("POST", path, params={"limit": limit}, file=Path(photo), once=True)
    else:
        path = f"/images/{image_id(transport, pool_id, str(photo))}/similar"
        response = transport.request("GET", path, params={"limit": limit})
    return Similar(result_of(transport, response))


def image_id(transport: Transport, pool_id: str, name: str) -> str:
    """The id of the pool's image of this name, or `name` itself if it is an id. Raises FewpairsError."""
    for image in transport.items(f"/pools/{pool_id}/images", name=name):
        return str(image["id"])
    try:
        return str(uuid.UUID(name))
    except ValueError:
        raise FewpairsError(
            f"There is no photo {name} in the pool, and no such file: give the name or the id of a photo.",
            type="not-found",
            status=404,
        ) from None
