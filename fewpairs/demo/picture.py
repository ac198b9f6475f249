"""The demo's picture: some test photos, what each model makes of them, and the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fewpairs.demo.data import Pairs
from fewpairs.evaluation import Evaluation
from models.images.seen import as_seen, size_as_seen

ROWS, CELL = 4, 300


def draw_picture(
    columns: Mapping[str, Evaluation], test: Pairs, class_table: Any, folder: Path
) -> Image.Image:
    """A row for each of ROWS test photos, evenly spaced; `columns` are headings with evaluations of them.

    Predictions are downloaded to `folder`. `class_table` is the pool's, or "rgb".
    """
    from models.images.sheet import picture_sheet

    count = min(ROWS, len(test))
    shown = [test[(2 * row + 1) * len(test) // (2 * count)] for row in range(count)]
    classes = [] if class_table == "rgb" else class_table["classes"]
    palette = [channel for entry in classes for channel in entry["color"]]
    predictions = [_predictions(evaluation, shown, folder) for evaluation in columns.values()]
    rows = [
        [
            _cell(photo.path, []),
            *(_cell(column[row], palette) for column in predictions),
            _cell(label_map.path, palette),
        ]
        for row, (photo, label_map) in enumerate(shown)
    ]
    legend = [(entry["name"], tuple(entry["color"])) for entry in classes]
    return picture_sheet(["photo", *columns, "truth"], rows, CELL, legend)


def _predictions(evaluation: Evaluation, shown: Pairs, folder: Path) -> list[Path]:
    """The files of the scored predictions for these photos."""
    ids = {image["name"]: image["image_id"] for image in evaluation.images("name")}
    return [
        evaluation.save_prediction(ids[photo.name], (folder / evaluation.id / photo.name).with_suffix(".png"))
        for photo, _ in shown
    ]


def _cell(path: Path, palette: Sequence[int]) -> Image.Image:
    """The picture, CELL pixels wide. Class indices get the palette's colours, and black where it has none."""
    with Image.open(path) as image:
        width, height = size_as_seen(image)
        size = (CELL, round(height * CELL / width))
        if not palette:
            return as_seen(image).resize(size, Image.Resampling.LANCZOS)
        indices = image if image.mode == "P" else image.convert("L")
        colored = Image.frombytes("P", image.size, indices.tobytes())
        colored.putpalette([*palette, *[0] * (768 - len(palette))])
        return colored.convert("RGB").resize(size, Image.Resampling.NEAREST)
