"""Pascal VOC: `SegmentationClass/<photo>.png`, palette PNGs in which 0 is background and 255 is void.

The numbers are those of VOC's 21 classes, or of the lines of a `labelmap.txt`, as other tools write one.
There void has a line of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from formats import labelmap
from formats.codecs.cvat import listed
from formats.contract import Drawing, Drawn, Entry, Files, Label, Written
from formats.data_sets import VOC, voc_color
from formats.paths import below, in_folders
from formats.pictures import BLACK, by_numbers_or_colors, free_color, palette_png

FOLDER, INDEX, BACKGROUND, VOID = "SegmentationClass", "ImageSets/Segmentation/train.txt", "background", 255
VOID_NAMES, VOID_COLOR = ("ignored", "void", "not labelled"), voc_color(VOID)


def read(files: Files) -> list[Entry]:
    named = listed(files) or tuple(map(Label, VOC))
    labels = tuple(replace(label, is_void=label.name in VOID_NAMES) for label in named)
    numbers = {place: place + 1 for place in range(len(labels))} | {VOID: 0}
    colors = {label.color or voc_color(place): place + 1 for place, label in enumerate(labels)}
    colors.setdefault(VOID_COLOR, 0)

    def drawn(path: str) -> Drawn:
        content = files[path]
        return Drawn(by_numbers_or_colors(content, numbers, colors), labels, original=content)

    return [
        Entry(path, (below(path, FOLDER) or path,), partial(drawn, path))
        for path in in_folders(files, FOLDER, ".png")
    ]


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    colors = {label.name: label.color or BLACK for label in labels}
    background = colors.pop(BACKGROUND, free_color([*colors.values()], BLACK))
    ordered = {BACKGROUND: background, **colors}
    if len(ordered) > VOID:
        raise ValueError(f"VOC has room for {VOID - 1} classes beside {BACKGROUND}")
    palette = dict(enumerate(ordered.values())) | {VOID: free_color([*ordered.values()], VOID_COLOR)}
    void = next(name for name in VOID_NAMES if name not in ordered)
    yield labelmap.LIST, labelmap.written([*ordered.items(), (void, palette[VOID])])
    places = []
    numbers = list(ordered)
    values = np.array([VOID, *(numbers.index(label.name) for label in labels)], np.uint8)
    for drawing in drawings:
        places.append(f"{drawing.place}\n")
        yield f"{FOLDER}/{drawing.place}.png", palette_png(values[drawing.numbers], palette)
    yield INDEX, "".join(places).encode()
