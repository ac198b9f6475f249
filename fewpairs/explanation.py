"""Explanations: why a selection is good, as numbers and as pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewpairs.jobs import answer_of
from fewpairs.resource import Described
from fewpairs.transport import Transport


@dataclass(frozen=True)
class Member:
    """An image that a pick stands for, and its distance to the pick."""

    image_id: str
    name: str
    distance: float


class Explanation(Described):
    """How well a selection covers its pool. Distances are Euclidean, between embeddings."""

    def __repr__(self) -> str:
        return f"Explanation(of {self.selection_id}: better than {self.beaten:.1%} of random selections)"

    @property
    def selection_id(self) -> str:
        return str(self.document["selection_id"])

    @property
    def coverage(self) -> dict[str, float]:
        """`mean` and `maximum` distance to the nearest pick, and the share `within` the distance `delta`."""
        return dict(self.document["coverage"])

    @property
    def beaten(self) -> float:
        """The share of random selections of the same budget whose mean distance is larger."""
        return float(self.document["random"]["beaten"])

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Points along the picks: `budget`, `mean_distance`, `random_mean`, `minutes` (None if not known)."""
        return list(self.document["curve"])

    @property
    def knee(self) -> int | None:
        """The number of picks at which the curve bends most.

        None if it bends nowhere or has fewer than three points. The knee moves with the budget: ask for a
        generous budget before you read it.
        """
        knee = self.document["knee"]
        return int(knee["budget"]) if knee else None

    @property
    def cost(self) -> dict[str, float] | None:
        """`minutes_per_image` (the median of the annotators' times), `minutes` and `minutes_to_knee` (None
        without a knee). None until an annotator's time is known."""
        return dict(self.document["cost"]) if self.document["cost"] else None

    @property
    def picks(self) -> list[dict[str, Any]]:
        """Each pick as `{"rank", "image_id", "name", "count", "mean_distance", "nearest"}`."""
        return list(self.document["picks"])

    def images_of(self, rank: int) -> Iterator[Member]:
        """All images that the pick of this rank stands for, nearest first."""
        for item in self._transport.items(f"/selections/{self.selection_id}/picks/{rank}/images"):
            yield Member(**item)

    def map(self) -> dict[str, Any]:
        """The pool in a plane: `method`, and `points` with `image_id`, `x`, `y`, `cluster` and more."""
        return dict(answer_of(self._transport, self.document["links"]["map"]).json())

    def save_map(self, target: str | Path) -> Path:
        """Write the map as a PNG."""
        return self._transport.download(self.document["links"]["map_png"], Path(target))

    def save_curve(self, target: str | Path) -> Path:
        """Write coverage against budget as a PNG, with the time that labelling takes if it is known."""
        address = self.document["links"]["curve_png"]
        answer_of(self._transport, address)
        return self._transport.download(address, Path(target))


def explain(transport: Transport, selection_id: str) -> Explanation:
    """The explanation of a selection; it is computed at the first request. Raises JobFailed."""
    return Explanation(transport, answer_of(transport, f"/selections/{selection_id}/explanation").json())
