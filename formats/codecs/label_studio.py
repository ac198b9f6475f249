"""Label Studio's JSON: tasks whose annotations have brush and polygon regions. Later regions count."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import numpy as np

from formats import brush
from formats.canvas import Canvas, points_of, polygon
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

FILE = "tasks.json"
KINDS = {"brushlabels": "rle", "polygonlabels": "points"}
"""The kinds of region that cover an area, and where they have it."""
UPLOAD = re.compile(r"[0-9a-f]{8}-(?P<name>.+)")
"""How Label Studio names an uploaded file."""


def read(files: Files) -> list[Entry]:
    entries = []
    for path in sorted(path for path in files if path.lower().endswith(".json")):
        document = parsed(files, path)
        for place, task in enumerate(document if isinstance(document, list) else [document]):
            if isinstance(task, dict) and "data" in task:
                photos = _photos(task)
                file = f"{path}: task {task.get('id', place + 1)} ({photos[0]})"
                entries.append(Entry(file, photos, partial(_drawn, task)))
    return entries


def write(drawings: Iterable[Drawing], labels: Sequence[Label]) -> Written:
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d={quote(drawing.photo)}"},
            "annotations": [_result(drawing, labels)],
        }
        for drawing in drawings
    ]
    yield FILE, as_json(tasks)


def _drawn(task: dict[str, Any]) -> Drawn:
    annotations = [
        annotation
        for annotation in field(task, "annotations", list)
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
    ]
    if not annotations:
        raise Unreadable("the task has no annotation")
    truths = [annotation for annotation in annotations if annotation.get("ground_truth")]
    regions = field((truths or annotations)[-1], "result", list)
    areas = [region for region in regions if isinstance(region, dict) and region.get("type") in KINDS]
    if not areas:
        raise Unreadable("the task has no brush and no polygon region")
    canvas = Canvas(field(areas[0], "original_width", int), field(areas[0], "original_height", int))
    labels = Labels()
    for region in areas:
        label, mask = _region(region, canvas)
        canvas.paint(mask, labels.number(label))
    for region in regions:
        if isinstance(region, dict) and region.get("type") not in KINDS:
            canvas.note(f"A region that is no brush and no polygon was left out: {region.get('type')}")
    if len(annotations) > 1:
        canvas.note(f"Of {len(annotations)} annotations the {'ground truth' if truths else 'last'} counts")
    return canvas.drawn(labels.listed())


def _region(region: dict[str, Any], canvas: Canvas) -> tuple[str, Mask]:
    """The label and the mask of a brush or polygon region. Raises Unreadable."""
    size = field(region, "original_width", int), field(region, "original_height", int)
    if size != (canvas.width, canvas.height):
        raise Unreadable(
            f"its regions are of photos of {canvas.width}×{canvas.height} and {size[0]}×{size[1]}"
        )
    if region.get("image_rotation"):
        raise Unreadable(f"the photo was turned by {region['image_rotation']}° while it was labelled")
    value, kind = field(region, "value", dict), region["type"]
    names = field(value, kind, list)
    if len(names) != 1 or not isinstance(names[0], str):
        raise Unreadable(f"a region has {len(names)} labels: give it one")
    content = field(value, KINDS[kind], list)
    if kind == "brushlabels":
        return names[0], brush.mask(content, *size)
    points = [(x * size[0] / 100, y * size[1] / 100) for x, y in points_of(content)]
    return names[0], polygon(points, *size)


def _photos(task: dict[str, Any]) -> tuple[str, ...]:
    """Where the photo of a task may be: its data name it by an address."""
    data = task["data"] if isinstance(task["data"], dict) else {}
    texts = [value for value in data.values() if isinstance(value, str)]
    texts = [text for text in texts if re.search(r"\.[A-Za-z0-9]{2,5}(\?|$)", text)] or texts
    if not texts:
        return ("a task without a photo",)
    parts = urlsplit(texts[0])
    path = plain(parse_qs(parts.query).get("d", [unquote(parts.path)])[0])
    if found := UPLOAD.fullmatch(path.rpartition("/")[2]):
        return found["name"], path
    return (path,)


def _result(drawing: Drawing, labels: Sequence[Label]) -> dict[str, Any]:
    height, width = drawing.numbers.shape
    regions = []
    for number in np.unique(drawing.numbers[drawing.numbers > 0]).tolist():
        rle = brush.packed(drawing.numbers == number)
        regions.append(
            {
                **{"id": f"region{number}", "type": "brushlabels", "from_name": "tag", "to_name": "image"},
                **{"original_width": width, "original_height": height, "image_rotation": 0},
                "value": {"format": "rle", "rle": rle, "brushlabels": [labels[number - 1].name]},
            }
        )
    return {"was_cancelled": False, "result": regions}
