"""A Supervisely project: `meta.json`, and `<data set>/ann/<photo>.json` with bitmaps and polygons.

A bitmap is Base64 of a zlib stream of a PNG, and begins at its origin. Later objects count.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from formats.canvas import Canvas, points_of
from formats.codecs.coco import box_of
from formats.contract import (
    Color,
    Drawing,
    Drawn,
    Entry,
    Files,
    Label,
    Labels,
    Mask,
    Unreadable,
    Written,
    as_json,
    field,
    parsed,
)
from formats.paths import below
from formats.pictures import mask_of, mask_png

META, ANNOTATIONS, FIRST = "meta.json", "ann", "ds0"
"""The file of classes, the folder of a data set's annotations, and the data set of photos in no folder."""
MOST_BYTES = 1 << 28
"""The most bytes that a bitmap may unpack to."""


def read(files: Files) -> list[Entry]:
    colors = _colors(files)
    return [
        Entry(path, _photos(path), partial(_drawn, files, path, colors))
        for path in sorted(files)
        if path.lower().endswith(".json") and below(path, ANNOTATIONS) is not None
    ]


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    classes = [{"title": label.name, "shape": "bitmap", "color": _hex(label.color)} for label in labels]
    yield META, as_json({"classes": classes, "tags": []})
    for drawing in drawings:
        height, width = drawing.numbers.shape
        objects = [
            _object(labels[number - 1].name, drawing.numbers == number)
            for number in np.unique(drawing.numbers[drawing.numbers > 0]).tolist()
        ]
        path = PurePosixPath(drawing.photo)
        folder = path.parent if len(path.parts) > 1 else PurePosixPath(FIRST)
        size = {"height": height, "width": width}
        document = {"description": "", "tags": [], "size": size, "objects": objects}
        yield f"{folder}/{ANNOTATIONS}/{path.name}.json", as_json(document)


def _drawn(files: Files, path: str, colors: dict[str, Color]) -> Drawn:
    document = parsed(files, path)
    size = field(document, "size", dict)
    canvas = Canvas(field(size, "width", int), field(size, "height", int))
    labels = Labels(colors)
    for drawn in field(document, "objects", list):
        number = labels.number(field(drawn, "classTitle", str))
        kind = drawn.get("geometryType")
        if kind == "bitmap":
            bitmap = field(drawn, "bitmap", dict)
            [(left, top)] = points_of([field(bitmap, "origin", list)])
            canvas.paint(_bitmap(field(bitmap, "data", str)), number, int(left), int(top))
        elif kind == "polygon":
            canvas.paint(_polygon(field(drawn, "points", dict), canvas), number)
        else:
            canvas.note(f"An object that covers no area was left out: {kind}")
    return canvas.drawn(labels.listed())


def _bitmap(data: str) -> Mask:
    try:
        unpacker = zlib.decompressobj()
        png = unpacker.decompress(base64.b64decode(data, validate=True), MOST_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise Unreadable(f"a bitmap cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail:
        raise Unreadable(f"a bitmap unpacks to more than {MOST_BYTES:,} bytes")
    return mask_of(png)


def _polygon(points: dict[str, Any], canvas: Canvas) -> Mask:
    """A polygon with its outline, without its holes; the outline of a hole belongs to it."""
    image = Image.new("1", (canvas.width, canvas.height))
    draw = ImageDraw.Draw(image)
    for ring in [field(points, "exterior", list), *(points.get("interior") or [])]:
        corners = points_of(ring)
        if len(corners) < 3:
            raise Unreadable(f"a polygon has {len(corners)} points, and needs 3")
        is_outer = ring is points["exterior"]
        draw.polygon(corners, fill=int(is_outer), outline=1)
    return np.asarray(image)


def _object(name: str, drawn: Mask) -> dict[str, Any]:
    left, top, width, height = box_of(drawn)
    png = mask_png(drawn[top : top + height, left : left + width])
    bitmap = {"data": base64.b64encode(zlib.compress(png)).decode(), "origin": [left, top]}
    return {"classTitle": name, "geometryType": "bitmap", "bitmap": bitmap, "description": "", "tags": []}


def _colors(files: Files) -> dict[str, Color]:
    path = next((path for path in sorted(files) if PurePosixPath(path).name == META), None)
    if path is None:
        return {}
    colors = {}
    for entry in field(parsed(files, path), "classes", list):
        digits = str(entry.get("color", "")).removeprefix("#")
        if len(digits) == 6:
            red, green, blue = bytes.fromhex(digits)
            colors[field(entry, "title", str)] = (red, green, blue)
    return colors


def _photos(path: str) -> tuple[str, ...]:
    """`ds0/ann/a.png.json` belongs to `ds0/a.png`, in the project to `ds0/img/a.png`, or to `a.png`."""
    folder, _, name = path.removesuffix(".json").rpartition(f"{ANNOTATIONS}/")
    return f"{folder}{name}", f"{folder}img/{name}", name


def _hex(color: Color | None) -> str:
    return "#" + bytes(color or (0, 0, 0)).hex().upper()
