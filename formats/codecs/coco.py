"""COCO's JSON of instances or stuff: polygons, and run lengths, compressed or not. Later regions count."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from formats import runs
from formats.canvas import Canvas, points_of, polygon
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
from formats.paths import plain

FILE = "annotations.json"


def read(files: Files) -> list[Entry]:
    found: list[Entry] = []
    for path in sorted(path for path in files if path.lower().endswith(".json")):
        document = parsed(files, path)
        if isinstance(document, dict) and "images" in document:
            found += _entries(path, document)
    return found


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, drawing in enumerate(drawings, start=1):
        height, width = drawing.numbers.shape
        images.append({"id": number, "file_name": drawing.photo, "width": width, "height": height})
        for category in np.unique(drawing.numbers[drawing.numbers > 0]).tolist():
            region = {"id": len(annotations) + 1, "image_id": number, "category_id": category}
            annotations.append(region | _region(drawing.numbers == category))
    categories = listed_categories(labels)
    yield FILE, as_json({"images": images, "annotations": annotations, "categories": categories})


def listed_categories(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": label.name, "supercategory": "", "color": label.color, "isthing": 0}
        for number, label in enumerate(labels, start=1)
    ]


def categories_of(document: Any) -> dict[int, Label]:
    """The categories of a COCO document, by their ids. Raises Unreadable."""
    found: dict[int, Label] = {}
    for category in field(document, "categories", list):
        color = category.get("color") if isinstance(category, dict) else None
        found[field(category, "id", int)] = Label(field(category, "name", str), _color(color))
    return found


def box_of(mask: Mask) -> tuple[int, int, int, int]:
    """The left, top, width and height of what is drawn in a mask (H, W) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def _entries(path: str, document: dict[str, Any]) -> list[Entry]:
    categories = categories_of(document)
    regions: dict[Any, list[Any]] = {}
    for region in field(document, "annotations", list):
        regions.setdefault(field(region, "image_id", (int, str)), []).append(region)
    entries = []
    for image in field(document, "images", list):
        name = plain(field(image, "file_name", str))
        drawn = regions.get(field(image, "id", (int, str)), [])
        entries.append(Entry(f"{path}: {name}", (name,), partial(_drawn, image, drawn, categories)))
    return entries


def _drawn(image: Any, regions: Sequence[Any], categories: dict[int, Label]) -> Drawn:
    canvas = Canvas(field(image, "width", int), field(image, "height", int))
    labels = Labels({label.name: label.color for label in categories.values() if label.color})
    for region in regions:
        category = field(region, "category_id", int)
        if category not in categories:
            raise Unreadable(f"a region has the category {category}, which is not listed")
        mask = _mask(region.get("segmentation"), canvas)
        if mask is None:
            canvas.note("A region without a segmentation was left out")
        else:
            canvas.paint(mask, labels.number(categories[category].name))
    return canvas.drawn(labels.listed())


def _mask(segmentation: Any, canvas: Canvas) -> Mask | None:
    width, height = canvas.width, canvas.height
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        rings = [points_of(zip(ring[::2], ring[1::2], strict=True)) for ring in map(_numbers, segmentation)]
        return np.asarray(np.any([polygon(ring, width, height) for ring in rings], axis=0))
    if field(segmentation, "size", list) != [height, width]:
        raise Unreadable(f"a region is of a photo of {segmentation['size'][::-1]}, not {width}×{height}")
    counts = field(segmentation, "counts", (str, list))
    return runs.mask(runs.unpacked(counts) if isinstance(counts, str) else counts, width, height)


def _numbers(ring: Any) -> list[Any]:
    if not isinstance(ring, list) or len(ring) % 2:
        raise Unreadable("a polygon is not a list of x and y in turn")
    return ring


def _region(mask: Mask) -> dict[str, Any]:
    height, width = mask.shape
    counts = runs.packed(runs.lengths(mask))
    return {
        "segmentation": {"size": [height, width], "counts": counts},
        "area": int(mask.sum()),
        "bbox": box_of(mask),
        "iscrowd": 0,
    }


def _color(value: Any) -> Color | None:
    if isinstance(value, list) and len(value) == 3 and all(type(channel) is int for channel in value):
        return value[0], value[1], value[2]
    return None
