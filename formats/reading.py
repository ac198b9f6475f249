"""Read an export into label maps of a pool's classes, one after the other."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from PIL import Image

from formats.canonical import EMPTY, Canonical, canonical
from formats.contract import Drawing, Drawn, Entry, Files, Label, Unreadable, Written
from formats.matching import Listed
from formats.meanings import Classes, Meaning


class Codec(Protocol):
    """A module of `formats.codecs`."""

    def read(self, files: Files) -> list[Entry]:
        """The label maps of an export, not read yet. Raises Unreadable."""
        ...

    def write(self, drawings: Iterator[Drawing], labels: list[Label]) -> Written:
        """The files of an export. Raises ValueError if the format has no room for the labels."""
        ...


def codec(name: str) -> Codec:
    """The codec of a format in `formats.catalog`."""
    return cast(Codec, import_module(f"formats.codecs.{name.replace('-', '_')}"))


class ZipFiles(Mapping[str, bytes]):
    """The files in a zip that this program has packed itself."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self._names = dict.fromkeys(self._zip.namelist())

    def __getitem__(self, path: str) -> bytes:
        return self._zip.read(path)

    def __contains__(self, path: object) -> bool:
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Found:
    """A label of a label map: its pixels, and what it means (None: only a person knows)."""

    label: Label
    pixels: int
    meaning: Meaning | None


@dataclass
class Read:
    """A label map of an export as the pool would have it, or the reason why it cannot be."""

    file: str
    size: tuple[int, int] = (0, 0)
    """Width and height."""
    found: list[Found] = field(default_factory=list)
    overlapped: int = 0
    notes: tuple[str, ...] = ()
    original: bytes | None = None
    """As in `Drawn`."""
    canonical: Canonical | None = None
    refusal: str | None = None


def read_all(files: Files, format: str, classes: Classes) -> tuple[list[Listed], Iterator[Read]]:
    """The label maps of an export, and then what is in each of them. Raises Unreadable."""
    entries = codec(format).read(files)
    if not entries:
        raise Unreadable("it holds no label map of this format")
    return [Listed(entry.file, entry.photos) for entry in entries], (
        read(entry, classes) for entry in entries
    )


def read(entry: Entry, classes: Classes) -> Read:
    """Read one label map; whatever is wrong with its files becomes a refusal."""
    result = Read(entry.file)
    try:
        _understand(result, entry.read(), classes)
    except Unreadable as error:
        result.refusal = f"The label map cannot be read: {error}."
    except MemoryError:
        result.refusal = "Reading the label map takes more memory than its size allows."
    except Exception as error:  # a file that is not what its format says fails anywhere in its codec
        result.refusal = f"The label map is not what its format says ({type(error).__name__}: {error})."
    return result


def _understand(result: Read, drawn: Drawn, classes: Classes) -> None:
    height, width = drawn.numbers.shape
    result.size, result.original = (width, height), drawn.original
    result.overlapped, result.notes = drawn.overlapped, drawn.notes
    counts = np.bincount(drawn.numbers.ravel(), minlength=len(drawn.labels) + 1).tolist()
    meanings = classes.meanings(drawn.labels)
    result.found = [
        Found(label, pixels, meaning)
        for label, pixels, meaning in zip(drawn.labels, counts[1:], meanings, strict=True)
        if pixels
    ]
    if unknown := [found.label.name for found in result.found if found.meaning is None]:
        result.refusal = f"Nobody has said yet what {', '.join(unknown)} means: answer with a mapping."
        return
    positions = [classes.ignore if m is None or m.position is None else m.position for m in meanings]
    table = np.array([classes.ignore, *positions], np.uint8)
    made = canonical(Image.fromarray(table[drawn.numbers]), len(classes.labels), classes.ignore)
    if made.is_empty:
        result.refusal = EMPTY
    else:
        result.canonical = made
