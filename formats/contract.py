"""What every codec reads and writes: label maps, each of one photo, in numbers of an export's labels."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]
Numbers = NDArray[np.uint16]
"""(H, W): 0 is unlabelled, k is the k-th label, counted from 1."""
Mask = NDArray[np.bool_]
Files = Mapping[str, bytes]
"""The content of each file by its path, with `/` between folders. Reading one may take a while."""


class Unreadable(ValueError):
    """A file, or a whole export, is not what the format says; the text says what is wrong."""


@dataclass(frozen=True)
class Label:
    """A label of an export, or a class. `is_void`: the format itself counts it as unlabelled."""

    name: str
    color: Color | None = None
    is_void: bool = False


@dataclass(frozen=True)
class Drawn:
    """The content of a label map."""

    numbers: Numbers
    labels: tuple[Label, ...]
    overlapped: int = 0
    """How many pixels several regions cover; there the last one counts."""
    notes: tuple[str, ...] = ()
    """Sentences about what was left out."""
    original: bytes | None = None
    """The PNG that holds this label map and nothing else, as it is in the export; None if there is none."""


@dataclass(frozen=True)
class Entry:
    """A label map of an export, not read yet."""

    file: str
    photos: tuple[str, ...]
    """Paths under which its photo may be known, the best first."""
    read: Callable[[], Drawn]
    """Raises Unreadable."""


@dataclass(frozen=True)
class Drawing:
    """A label map to write."""

    photo: str
    """The path of its photo."""
    place: str
    """The path of its own files, without suffix (`formats.paths.places`)."""
    split: str
    """train or test."""
    numbers: Numbers


Written = Iterator[tuple[str, bytes]]
"""The files of an export: path and content."""


class Labels:
    """The labels of an export in the order in which they are met, for formats that only name them."""

    def __init__(self, colors: Mapping[str, Color] | None = None) -> None:
        self._colors = colors or {}
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def listed(self) -> tuple[Label, ...]:
        return tuple(Label(name, self._colors.get(name)) for name in self._numbers)


def parsed(files: Files, path: str) -> Any:
    """The content of a JSON file. Raises Unreadable."""
    try:
        return json.loads(files[path])
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is no JSON: {error}") from None


def as_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def field(document: Any, name: str, kind: type | tuple[type, ...]) -> Any:
    """A field of a JSON object. Raises Unreadable if it is missing or of another type."""
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Unreadable(f"`{name}` is missing, or is no {_words(kind)}")
    return value


def _words(kind: type | tuple[type, ...]) -> str:
    names = {list: "list", dict: "object", str: "text", int: "whole number", float: "number"}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(names[each] for each in kinds)
