"""CVAT's "Segmentation mask 1.1": `labelmap.txt` and `SegmentationClass/<photo>.png` in the labels' colours.

The order of the labels is not stable in CVAT, so the colours count. CVAT adds a label `background`, in black,
for what nobody has drawn.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from formats import labelmap
from formats.contract import Color, Drawing, Drawn, Entry, Files, Label, Unreadable, Written
from formats.paths import below, in_folders
from formats.pictures import BLACK, by_numbers_or_colors, free_color, palette_png

FOLDER, INDEX = "SegmentationClass", "ImageSets/Segmentation/default.txt"


def read(files: Files) -> list[Entry]:
    labels = listed(files)
    if labels is None:
        raise Unreadable(f"it has no {labelmap.LIST}: export it from CVAT as Segmentation mask 1.1")
    colors: dict[Color, int] = {}
    for number, label in enumerate(labels, start=1):
        if label.color:
            colors.setdefault(label.color, number)

    def drawn(path: str) -> Drawn:
        content = files[path]
        return Drawn(by_numbers_or_colors(content, {}, colors), labels, original=content)

    return [
        Entry(path, (below(path, FOLDER) or path,), partial(drawn, path))
        for path in in_folders(files, FOLDER, ".png")
    ]


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    taken = {label.name for label in labels}
    unlabelled = next(name for name in ("background", "unlabelled", "nothing drawn") if name not in taken)
    colors = [label.color or BLACK for label in labels]
    palette = dict(enumerate([free_color(colors, BLACK), *colors]))
    names = [unlabelled, *(label.name for label in labels)]
    yield labelmap.LIST, labelmap.written(zip(names, palette.values(), strict=True))
    places = []
    for drawing in drawings:
        places.append(f"{drawing.place}\n")
        yield f"{FOLDER}/{drawing.place}.png", palette_png(drawing.numbers.astype(np.uint8), palette)
    yield INDEX, "".join(places).encode()


def listed(files: Files) -> tuple[Label, ...] | None:
    """The labels in `labelmap.txt`, in its order; None if there is no such file. Raises Unreadable."""
    path = next((path for path in sorted(files) if PurePosixPath(path).name == labelmap.LIST), None)
    if path is None:
        return None
    try:
        return tuple(Label(name, color) for name, color in labelmap.parsed(files[path].decode("utf-8-sig")))
    except ValueError as error:
        raise Unreadable(f"{path}, {error}") from None
