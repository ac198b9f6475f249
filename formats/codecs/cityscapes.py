"""Cityscapes: `gtFine/<split>/<city>/<photo>_gtFine_labelIds.png`, PNGs of numbers from 0 to 33.

`_labelTrainIds.png`, `_instanceIds.png` and `_color.png` are other files; the last one does not tell all
numbers apart. An export of other classes has their numbers in `classes.json` beside `gtFine`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from formats.codecs.png import TABLE, class_table
from formats.contract import Drawing, Drawn, Entry, Files, Label, Written, as_json, parsed
from formats.data_sets import CITYSCAPES, CITYSCAPES_UNSCORED
from formats.pictures import BLACK, free_color, known, numbers_of, palette_png

SCORED = {*range(len(CITYSCAPES))} - CITYSCAPES_UNSCORED
LICENSE_PLATE = 255
"""−1 in Cityscapes' own table, which it does not score either."""
FILE = re.compile(r"(?P<place>.+)_gt(Fine|Coarse)_labelIds\.png")
SPLIT_AND_PLACE = re.compile(r"(?:.*/)?gt(?:Fine|Coarse)/(?P<split>[^/]+)/(?P<place>.+)")
PHOTOS, PHOTO, HERE = "leftImg8bit", "_leftImg8bit", "all"
"""Cityscapes' folder of photos, the end of their names, and the city of photos that are in no folder."""


def read(files: Files) -> list[Entry]:
    labels, numbers = _table(files)

    def drawn(path: str) -> Drawn:
        content = files[path]
        return Drawn(known(numbers_of(content), numbers), labels, original=content)

    found = ((path, FILE.fullmatch(path)) for path in sorted(files))
    return [Entry(path, _photos(match["place"]), partial(drawn, path)) for path, match in found if match]


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    official = {name: number for number, name in enumerate(CITYSCAPES)}
    others = iter(range(len(CITYSCAPES), LICENSE_PLATE))
    try:
        numbers = [official[label.name] if label.name in official else next(others) for label in labels]
    except StopIteration:
        raise ValueError(f"Cityscapes has room for {LICENSE_PLATE - len(CITYSCAPES)} other classes") from None
    if not set(numbers) <= SCORED:
        yield TABLE, as_json(_document(labels, numbers))
    values = np.array([0, *numbers], np.uint8)
    colors = [label.color or BLACK for label in labels]
    palette = dict(zip(numbers, colors, strict=True)) | {0: free_color(colors, BLACK)}
    for drawing in drawings:
        path = PurePosixPath(drawing.place)
        if path.parts[0] == PHOTOS and len(path.parts) > 2:
            path = PurePosixPath(*path.parts[1:])
        else:
            path = PurePosixPath(drawing.split, path if len(path.parts) > 1 else f"{HERE}/{path}")
        stem = path.name.removesuffix(PHOTO)
        yield (
            f"gtFine/{path.with_name(stem)}_gtFine_labelIds.png",
            palette_png(values[drawing.numbers], palette),
        )


def _document(labels: Sequence[Label], numbers: Sequence[int]) -> dict[str, object]:
    classes = [
        {"id": number, "name": label.name, "color": label.color}
        for label, number in zip(labels, numbers, strict=True)
    ]
    return {"ignore": LICENSE_PLATE, "ignore_ids": [0], "classes": classes}


def _table(files: Files) -> tuple[tuple[Label, ...], dict[int, int]]:
    """The labels, and the label number of each number in the PNGs."""
    path = next((path for path in sorted(files) if PurePosixPath(path).name == TABLE), None)
    if path:
        labels, numbers, _ = class_table(parsed(files, path))
        return labels, numbers
    labels = tuple(
        Label(name, is_void=number in CITYSCAPES_UNSCORED) for number, name in enumerate(CITYSCAPES)
    )
    return labels, {number: number + 1 for number in range(len(CITYSCAPES))} | {LICENSE_PLATE: 0}


def _photos(place: str) -> tuple[str, ...]:
    found = SPLIT_AND_PLACE.fullmatch(place)
    if not found:
        return (place,)
    inner = found["place"]
    photo = f"{PHOTOS}/{found['split']}/{inner}{PHOTO}.png"
    return photo, inner.removeprefix(f"{HERE}/"), PurePosixPath(photo).name
