"""What an import does to the annotations of a pool: for each label map, whether it is taken, or why not."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from formats.canonical import Canonical, wrong_size
from formats.contract import Color
from formats.matching import Listed, placed
from formats.reading import Read
from store.tables import Annotation, Image

Result = Literal["taken", "replaced", "unchanged", "refused"]


@dataclass
class Line:
    """What becomes of one label map of the export."""

    file: str
    photo: str | None = None
    outcome: Result = "refused"
    type: str | None = None
    reason: str | None = None
    revision: int | None = None
    """The revision that it becomes, or, if it is unchanged, that it is already."""
    pixels: dict[str, int] | None = None
    unlabelled: int | None = None
    overlapped: int = 0
    notes: Sequence[str] = ()

    def refuse(self, type: str, reason: str) -> None:
        self.outcome, self.type, self.reason = "refused", type, reason


@dataclass
class LabelUse:
    """A label of the export: its pixels in all label maps, and what it means."""

    color: Color | None
    pixels: int = 0
    meaning: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class New:
    """An annotation to add."""

    image_id: uuid.UUID
    revision: int
    canonical: Canonical
    original: bytes | None
    """The PNG of the export that it is read from, if this holds nothing else."""


@dataclass
class Plan:
    """Decides about label maps one after the other. `revisions` are the ones that may be replaced."""

    class_table: Mapping[str, Any]
    images: Sequence[Image]
    newest: Mapping[uuid.UUID, Annotation]
    revisions: Mapping[str, int] | None
    lines: list[Line] = field(default_factory=list)
    labels: dict[str, LabelUse] = field(default_factory=dict)

    def place(self, listed: Sequence[Listed]) -> None:
        """Find the photo of each label map of the export, by names alone."""
        self._by_name = {image.name: image for image in self.images}
        for one, found in zip(listed, placed(listed, self._by_name), strict=True):
            line = Line(one.file, found.photo)
            if found.photo is None:
                line.refuse(found.problem, found.reason)
            self.lines.append(line)

    def decide(self, line: Line, read: Read) -> New | None:
        """Fill the line; returns the annotation that it adds, if any."""
        self._count(read)
        line.overlapped, line.notes = read.overlapped, read.notes
        if line.type or line.photo is None:
            return None
        image = self._by_name[line.photo]
        if read.size != (0, 0) and read.size != (image.width, image.height):
            line.refuse("label-map-size", wrong_size(read.size, (image.width, image.height)))
        elif read.canonical is None:
            is_open = any(found.meaning is None for found in read.found)
            line.refuse("unknown-label" if is_open else "label-map-unreadable", read.refusal or "")
        else:
            names = [entry["name"] for entry in self.class_table["classes"]]
            line.pixels = dict(zip(names, read.canonical.class_pixels, strict=True))
            line.unlabelled = read.canonical.unlabelled_pixels
            return self._against(line, image, read.canonical, read.original)
        return None

    def _against(self, line: Line, image: Image, canonical: Canonical, original: bytes | None) -> New | None:
        """Compare it with the photo's annotation."""
        newest = self.newest.get(image.id)
        line.revision = newest.revision + 1 if newest else 1
        if newest is None or newest.withdrawn:
            line.outcome = "taken"
        elif newest.sha256 == hashlib.sha256(canonical.png).hexdigest():
            line.outcome, line.revision = "unchanged", newest.revision
            return None
        elif self.revisions is None:
            line.refuse("annotation-exists", f"The photo has an annotation, revision {newest.revision}.")
            return None
        elif self.revisions.get(str(image.id)) != newest.revision:
            reason = f"Somebody has annotated the photo since, in revision {newest.revision}: look at it."
            line.refuse("stale-revision", reason)
            return None
        else:
            line.outcome = "replaced"
        return New(image.id, line.revision, canonical, original)

    def _count(self, read: Read) -> None:
        names = [entry["name"] for entry in self.class_table["classes"]]
        for found in read.found:
            use = self.labels.setdefault(found.label.name, LabelUse(found.label.color))
            use.pixels += found.pixels
            if found.meaning:
                position = found.meaning.position
                use.by, use.meaning = found.meaning.by, None if position is None else names[position]

    def totals(self) -> dict[str, Any]:
        """The counts of outcomes, the sums over what is or would be in the pool, and what labels mean."""
        outcomes = Counter(line.outcome for line in self.lines)
        pixels: Counter[str] = Counter()
        for line in self.lines:
            pixels.update(line.pixels or {})
        known = {name: use for name, use in self.labels.items() if use.by}
        return {
            **{outcome: outcomes[outcome] for outcome in ("taken", "replaced", "unchanged", "refused")},
            "pixels": dict(pixels),
            "unlabelled": sum(line.unlabelled or 0 for line in self.lines),
            "overlapped": sum(line.overlapped for line in self.lines),
            "labels": [
                {"label": name, "pixels": use.pixels, "class": use.meaning, "by": use.by}
                for name, use in known.items()
            ],
            "unknown_labels": [
                {"label": name, "pixels": use.pixels, "color": use.color}
                for name, use in self.labels.items()
                if name not in known
            ],
        }
