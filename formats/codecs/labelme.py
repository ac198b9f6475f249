"""labelme: a JSON for each photo, with polygons, rectangles, circles and masks. Later shapes count.

As in labelme itself, a polygon's outline belongs to it, and a whole coordinate is the middle of a pixel.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from formats.canvas import Canvas, points_of
from formats.codecs.coco import box_of
from formats.contract import (
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
from formats.paths import plain
from formats.pictures import mask_of, mask_png


def read(files: Files) -> list[Entry]:
    entries = []
    for path in sorted(path for path in files if path.lower().endswith(".json")):
        document = parsed(files, path)
        if isinstance(document, dict) and "shapes" in document:
            photo = document.get("imagePath") or PurePosixPath(path).name
            beside = plain(f"{PurePosixPath(path).parent}/{photo}".replace("\\", "/"))
            entries.append(Entry(path, (beside, path), partial(_drawn, document)))
    return entries


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    for drawing in drawings:
        height, width = drawing.numbers.shape
        shapes = [
            _shape(labels[number - 1].name, drawing.numbers == number)
            for number in np.unique(drawing.numbers[drawing.numbers > 0]).tolist()
        ]
        yield (
            f"{drawing.place}.json",
            as_json(
                {
                    **{"version": "5.4.1", "flags": {}, "shapes": shapes},
                    **{"imagePath": PurePosixPath(drawing.photo).name, "imageData": None},
                    **{"imageHeight": height, "imageWidth": width},
                }
            ),
        )


def _drawn(document: Any) -> Drawn:
    canvas = Canvas(field(document, "imageWidth", int), field(document, "imageHeight", int))
    labels = Labels()
    for shape in field(document, "shapes", list):
        kind = shape.get("shape_type") if isinstance(shape, dict) else None
        points = points_of(field(shape, "points", list))
        number = labels.number(field(shape, "label", str))
        if kind == "mask":
            left, top = _whole(points, 1)[0]
            canvas.paint(_mask(shape), number, left, top)
        elif kind in ("polygon", "rectangle", "circle", None):
            canvas.paint(_area(kind or "polygon", points, canvas), number)
        else:
            canvas.note(f"A shape that covers no area was left out: {kind}")
    return canvas.drawn(labels.listed())


def _area(kind: str, points: list[tuple[float, float]], canvas: Canvas) -> Mask:
    image = Image.new("1", (canvas.width, canvas.height))
    draw = ImageDraw.Draw(image)
    if kind == "polygon":
        draw.polygon(_enough(points, 3), outline=1, fill=1)
    elif kind == "rectangle":
        (x0, y0), (x1, y1) = _enough(points, 2)[:2]
        draw.rectangle([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)], outline=1, fill=1)
    else:
        (x, y), (edge_x, edge_y) = _enough(points, 2)[:2]
        radius = float(np.hypot(edge_x - x, edge_y - y))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=1, fill=1)
    return np.asarray(image)


def _mask(shape: Any) -> Mask:
    try:
        return mask_of(base64.b64decode(field(shape, "mask", str), validate=True))
    except binascii.Error as error:
        raise Unreadable(f"the mask of a shape is no Base64: {error}") from None


def _shape(name: str, drawn: Mask) -> dict[str, Any]:
    left, top, width, height = box_of(drawn)
    cut = drawn[top : top + height, left : left + width]
    return {
        **{"label": name, "shape_type": "mask", "group_id": None, "description": "", "flags": {}},
        "points": [[left, top], [left + width - 1, top + height - 1]],
        "mask": base64.b64encode(mask_png(cut)).decode(),
    }


def _whole(points: list[tuple[float, float]], least: int) -> list[tuple[int, int]]:
    return [(round(x), round(y)) for x, y in _enough(points, least)]


def _enough(points: list[tuple[float, float]], least: int) -> list[tuple[float, float]]:
    if len(points) < least:
        raise Unreadable(f"a shape has {len(points)} points, and needs {least}")
    return points
