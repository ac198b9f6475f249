"""What the labels of an export mean in a pool: by the mapping that a person gave, by name, or by colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from formats.contract import Color, Label

By = Literal["mapping", "name", "colour", "format"]


@dataclass(frozen=True)
class Meaning:
    """The position of a class, or None for unlabelled, and how it was found."""

    position: int | None
    by: By


@dataclass
class Classes:
    """A pool's classes, and the mapping: the position of a class, or None for unlabelled, of some labels."""

    labels: Sequence[Label]
    ignore: int
    ignore_color: Color | None = None
    mapping: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Mapping[str, Any], mapping: Mapping[str, int | None]) -> "Classes":
        labels = [Label(entry["name"], tuple(entry["color"])) for entry in table["classes"]]
        color = table.get("ignore_color")
        return cls(labels, table["ignore"], tuple(color) if color else None, mapping)

    def meanings(self, labels: Sequence[Label]) -> list[Meaning | None]:
        """What each of the labels of an export means; None if only a person knows.

        A colour counts only for a label without a class of its name, and only if no other label has the name
        of the class.
        """
        by_name = [self._by_name(label) for label in labels]
        taken = {meaning.position for meaning in by_name if meaning}
        return [found or self._by_color(label, taken) for label, found in zip(labels, by_name, strict=True)]

    def _by_name(self, label: Label) -> Meaning | None:
        if label.name in self.mapping:
            return Meaning(self.mapping[label.name], "mapping")
        names = [known.name for known in self.labels]
        if label.name in names:
            return Meaning(names.index(label.name), "name")
        alike = [place for place, name in enumerate(names) if _plain(name) == _plain(label.name)]
        if len(alike) == 1:
            return Meaning(alike[0], "name")
        return Meaning(None, "format") if label.is_void else None

    def _by_color(self, label: Label, taken: set[int | None]) -> Meaning | None:
        if label.color is None:
            return None
        if label.color == self.ignore_color:
            return Meaning(None, "colour")
        places = [place for place, known in enumerate(self.labels) if known.color == label.color]
        return Meaning(places[0], "colour") if places and places[0] not in taken else None


def _plain(name: str) -> str:
    """A name as people mean it: without differences of case, spaces, hyphens and underscores."""
    return "".join(character for character in name.casefold() if character not in " -_")
