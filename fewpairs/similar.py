"""Similar images: the neighbours of a photo, and duplicates in a pool."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fewpairs.errors import FewpairsError
from fewpairs.jobs import answer_of, result_of
from fewpairs.transport import Transport


@dataclass(frozen=True)
class NearImage:
    """An image and its Euclidean distance, between embeddings, to what was asked about."""

    image_id: str
    name: str
    split: str
    distance: float


class Similar:
    """The images of a pool that look most like a photo; iterate over it for them, the nearest first."""

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
        """The median distance of two images of the pool, to compare with; None: it has only one."""
        return self.document["typical_distance"]  # type: ignore[no-any-return]


class Duplicates:
    """Images of a pool that are nearly the same, in groups: each image is near to the first of its group.

    Of a group with more than 1,000 images `groups` has the nearest, and of very many groups the largest.
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
        """How many images could go: of each group all but the first."""
        return int(self.document["duplicates"])

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        return int(self.document["group_count"])

    @property
    def across(self) -> int:
        """How many groups hold both train and test images."""
        return int(self.document["across"])

    @property
    def sizes(self) -> list[int]:
        """How many images are in each of the `groups`."""
        return [group["count"] for group in self.document["groups"]]


def similar(transport: Transport, pool_id: str, photo: str | Path, limit: int) -> Similar:
    """The images nearest to an image of the pool, by its name or id, or to a file on this side.

    What is both a file and a name means the file. Raises FewpairsError when it is neither.
    """
    if Path(photo).is_file():
        response = _searched(transport, pool_id, Path(photo), limit)
    else:
        path = f"/images/{image_id(transport, pool_id, str(photo))}/similar"
        response = transport.request("GET", path, params={"limit": limit})
    return Similar(result_of(transport, response))


def duplicates(transport: Transport, pool_id: str, within: float | str) -> Duplicates:
    """The duplicates of the pool's images, of both splits; `within`: a distance, or "auto"."""
    return Duplicates(answer_of(transport, f"/pools/{pool_id}/duplicates", within=within).json())


def image_id(transport: Transport, pool_id: str, name: str) -> str:
    """The id of the pool's image of this name; or `name` itself, when it is an id. Raises FewpairsError."""
    for image in transport.items(f"/pools/{pool_id}/images", name=name):
        return str(image["id"])
    try:
        return str(uuid.UUID(name))
    except ValueError:
        raise FewpairsError(
            f"There is no photo {name} in the pool, and no such file: give the name or the id of one.",
            type="not-found",
            status=404,
        ) from None


def _searched(transport: Transport, pool_id: str, photo: Path, limit: int) -> httpx.Response:
    return transport.request(
        "POST",
        f"/pools/{pool_id}/search",
        params={"limit": limit},
        file=photo,
        once=True,
    )
