"""A folder of PNGs with `classes.json`, a class table as `POST /pools` takes it.

A PNG holds the numbers of the classes in this table, or their colours: `labels/day1/0001.png` belongs to
`day1/0001.jpg`.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from formats.contract import (
    Color,
    Drawing,
    Drawn,
    Entry,
    Files,
    Label,
    Unreadable,
    Written,
    as_json,
    field,
    parsed,
)
from formats.pictures import BLACK, by_numbers_or_colors, free_color, palette_png

TABLE, FOLDER = "classes.json", "labels"
UNLABELLED = 255


def read(files: Files) -> list[Entry]:
    tables = [path for path in files if PurePosixPath(path).name == TABLE]
    if len(tables) != 1:
        raise Unreadable(f"it has {len(tables) or 'no'} {TABLE}: put one beside the folder of PNGs")
    labels, numbers, colors = class_table(parsed(files, tables[0]))
    root = PurePosixPath(tables[0]).parent

    def drawn(path: str) -> Drawn:
        content = files[path]
        return Drawn(by_numbers_or_colors(content, numbers, colors), labels, original=content)

    return [
        Entry(path, _photos(PurePosixPath(path), root), partial(drawn, path))
        for path in sorted(files)
        if path.lower().endswith(".png")
    ]


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    palette = {place: label.color for place, label in enumerate(labels) if label.color}
    palette[UNLABELLED] = free_color([*palette.values()], BLACK)
    classes = [{"name": label.name, "color": label.color} for label in labels]
    yield TABLE, as_json({"ignore": UNLABELLED, "classes": classes})
    values = np.array([UNLABELLED, *range(len(labels))], np.uint8)
    for drawing in drawings:
        yield f"{FOLDER}/{drawing.place}.png", palette_png(values[drawing.numbers], palette)


def class_table(table: Any) -> tuple[tuple[Label, ...], dict[int, int], dict[Color, int]]:
    """The labels of a class table, and the label number of each number and colour that its files use."""
    labels: list[Label] = []
    numbers: dict[int, int] = {}
    colors: dict[Color, int] = {}
    for place, entry in enumerate(field(table, "classes", list)):
        color = _color(entry, "color")
        labels.append(Label(field(entry, "name", str), color))
        numbers[place if entry.get("id") is None else field(entry, "id", int)] = place + 1
        if color:
            colors[color] = place + 1
    unlabelled = [field(table, "ignore", int)] if "ignore" in table else [UNLABELLED]
    numbers |= dict.fromkeys([*unlabelled, *(table.get("ignore_ids") or [])], 0)
    if color := _color(table, "ignore_color"):
        colors[color] = 0
    return tuple(labels), numbers, colors


def _color(entry: Any, name: str) -> Color | None:
    if not isinstance(entry, dict) or entry.get(name) is None:
        return None
    channels = field(entry, name, list)
    if len(channels) != 3 or any(type(value) is not int or not 0 <= value <= 255 for value in channels):
        raise Unreadable(f"`{name}` is not red, green, blue")
    return channels[0], channels[1], channels[2]


def _photos(path: PurePosixPath, root: PurePosixPath) -> tuple[str, ...]:
    parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
    return tuple(str(PurePosixPath(*parts[start:])) for start in range(min(2, len(parts)) - 1, -1, -1))
