"""COCO panoptic: a JSON that lists segments, and RGB PNGs in which R + 256·G + 256²·B is a segment's id.

0 is void. The PNGs lie in a folder that is named as the JSON.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from formats.codecs.coco import box_of, categories_of, listed_categories
from formats.contract import (
    Drawing,
    Drawn,
    Entry,
    Files,
    Label,
    Labels,
    Unreadable,
    Written,
    as_json,
    field,
    parsed,
)
from formats.paths import plain, without_suffix
from formats.pictures import code, codes_of, known, rgb_png

FILE, FOLDER = "panoptic.json", "panoptic"


def read(files: Files) -> list[Entry]:
    found: list[Entry] = []
    for path in sorted(path for path in files if path.lower().endswith(".json")):
        document = parsed(files, path)
        if isinstance(document, dict) and "annotations" in document:
            found += _entries(files, path, document)
    return found


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ids = _segment_ids(labels)
    for number, drawing in enumerate(drawings, start=1):
        height, width = drawing.numbers.shape
        images.append({"id": number, "file_name": drawing.photo, "width": width, "height": height})
        segments = [
            {"id": int(ids[category]), "category_id": category, "iscrowd": 0, **_extent(drawing, category)}
            for category in np.unique(drawing.numbers[drawing.numbers > 0]).tolist()
        ]
        annotations.append(
            {"image_id": number, "file_name": f"{drawing.place}.png", "segments_info": segments}
        )
        yield f"{FOLDER}/{drawing.place}.png", rgb_png(ids[drawing.numbers])
    categories = listed_categories(labels)
    yield FILE, as_json({"images": images, "annotations": annotations, "categories": categories})


def _entries(files: Files, path: str, document: dict[str, Any]) -> list[Entry]:
    categories = categories_of(document)
    names = {
        field(image, "id", (int, str)): plain(field(image, "file_name", str))
        for image in document.get("images") or []
    }
    entries = []
    for annotation in field(document, "annotations", list):
        png = plain(field(annotation, "file_name", str))
        photos = (names.get(annotation.get("image_id"), png), png)
        read = partial(_drawn, files, path, png, annotation, categories)
        entries.append(Entry(f"{path}: {png}", photos, read))
    return entries


def _drawn(files: Files, path: str, png: str, annotation: Any, categories: dict[int, Label]) -> Drawn:
    labels = Labels({label.name: label.color for label in categories.values() if label.color})
    numbers = {0: 0}
    for segment in field(annotation, "segments_info", list):
        category = field(segment, "category_id", int)
        if category not in categories:
            raise Unreadable(f"a segment has the category {category}, which is not listed")
        numbers[field(segment, "id", int)] = labels.number(categories[category].name)
    if not all(0 <= segment < 1 << 24 for segment in numbers):
        raise Unreadable("a segment has an id that no colour stands for")
    return Drawn(known(codes_of(files[_place(files, path, png)]), numbers, colored=True), labels.listed())


def _place(files: Files, path: str, png: str) -> str:
    """Where the PNG is: in the folder of the JSON's name, or the only one of this name. Raises Unreadable."""
    beside = f"{without_suffix(path)}/{png}"
    if beside in files:
        return beside
    found = [file for file in files if file == png or file.endswith(f"/{png}")]
    if len(found) != 1:
        where = ", ".join(sorted(found)[:3]) or f"expected: {beside}"
        raise Unreadable(f"the export has {len(found) or 'no'} PNG {png} ({where})")
    return found[0]


def _segment_ids(labels: Sequence[Label]) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The segment id of each label number: of its colour, so that the PNG shows it; a free one for black."""
    codes = [code(label.color) if label.color else 0 for label in labels]
    free = (number for number in range(1, 1 << 24) if number not in set(codes))
    return np.array([0, *(number or next(free) for number in codes)], np.uint32)


def _extent(drawing: Drawing, category: int) -> dict[str, Any]:
    mask = drawing.numbers == category
    return {"area": int(mask.sum()), "bbox": box_of(mask)}
