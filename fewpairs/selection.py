"""Selections: which photos to label, and whether the same photos would be picked again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fewpairs.errors import FewpairsError
from fewpairs.explanation import Explanation, explain
from fewpairs.resource import Resource
from fewpairs.transport import Transport


@dataclass(frozen=True)
class Pick:
    """One photo that is worth labelling; distances are Euclidean, between embeddings."""

    rank: int
    image_id: str
    name: str
    cluster_size: int | None
    mean_distance: float | None
    coverage: float | None
    gain: float | None


class Selection(Resource):
    """The answer to "which images should I label with this budget"; iterate over it for the picks."""

    collection = "/selections"

    def __init__(self, transport: Transport, document: dict[str, Any]) -> None:
        super().__init__(transport, document)
        fields = Pick.__dataclass_fields__
        self.picks = [Pick(**{name: pick.get(name) for name in fields}) for pick in document["picks"]]

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.picks)

    def __len__(self) -> int:
        return len(self.picks)

    def __repr__(self) -> str:
        return f"Selection({[pick.name for pick in self.picks]})"

    @property
    def id(self) -> str:
        """The selection's id. Raises FewpairsError for a replay, which is not kept and has none."""
        if "id" not in self.document:
            raise FewpairsError(
                "What a replay picked is not kept: it has no id and no explanation. Ask `Pool.select` for a "
                "selection that has."
            )
        return super().id

    @property
    def strategy(self) -> str:
        """The strategy that picked."""
        return str(self.document["strategy"])

    @property
    def image_ids(self) -> list[str]:
        return [pick.image_id for pick in self.picks]

    @property
    def coverage(self) -> dict[str, float]:
        """`mean` and `maximum` distance of a photo to the nearest annotated photo or pick, and the share of
        the photos `within` the distance `delta`."""
        return dict(self.document["coverage"])

    @property
    def left_out(self) -> dict[str, Any]:
        """Photos that were left out because they are duplicates or too similar to a test photo."""
        return dict(self.document.get("left_out") or {})

    @property
    def receipt(self) -> dict[str, Any]:
        """Everything that the picks depend on: the same receipt gives the same picks (`Client.replay`)."""
        return dict(self.document["receipt"])

    def copy_to(self, directory: str | Path) -> list[Path]:
        """Write the picked photos, as they were uploaded, into a folder. Returns the files."""
        return copied(self._transport, self.picks, directory)

    def explain(self) -> Explanation:
        """Explain why these photos were picked. Raises JobFailed, and FewpairsError for a replay."""
        return explain(self._transport, self.id)


class Replay:
    """A selection made again: whether the picks are the `same`, and sentences on what has `changed`."""

    def __init__(self, transport: Transport, document: dict[str, Any]) -> None:
        self.document = document
        self.same = bool(document["same"])
        self.changed = [str(sentence) for sentence in document["changed"]]
        self.selection = Selection(transport, document["selection"]) if document["selection"] else None

    def __repr__(self) -> str:
        return f"Replay({'the same picks' if self.same else 'not the same picks'}, {self.changed})"


class Photo(Protocol):
    """Anything that says which photo it is."""

    @property
    def image_id(self) -> str: ...

    @property
    def name(self) -> str: ...


def copied(transport: Transport, photos: Iterable[Photo], directory: str | Path) -> list[Path]:
    """Write photos, as they were uploaded, into a folder. Returns the files."""
    return [
        transport.download(f"/images/{photo.image_id}/content", Path(directory) / photo.name)
        for photo in photos
    ]
