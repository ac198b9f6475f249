"""The demo's picture."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewpairs import Model
from fewpairs.demo.picture import CELL, draw_picture
from fewpairs.sources import find
from models.images.sheet import GAP, HEADING, MARGIN
from tests import drawings


def colored(path: Path) -> NDArray[np.uint8]:
    """A label map in its classes' colours, black where it has none, at a cell's size."""
    colors = np.zeros((256, 3), np.uint8)
    for index, entry in enumerate(drawings.CLASS_TABLE["classes"]):
        colors[index] = entry["color"]
    with Image.open(path) as image:
        drawn = Image.fromarray(colors[np.asarray(image)])
    return np.asarray(drawn.resize((CELL, CELL * 48 // 64), Image.Resampling.NEAREST))


def test_a_row_has_the_photo_every_prediction_and_the_truth(trained: Model, tmp_path: Path) -> None:
    """A row shows a test photo, each evaluation's prediction for it, and its label map, in class colours."""
    drawings.write(tmp_path, range(100, 102))
    photos, labels = (find(tmp_path / part).files for part in ("images", "labels"))
    test = list(zip(photos, labels, strict=True))
    evaluation = trained.evaluate("test").wait(timeout=60).evaluation
    table = drawings.CLASS_TABLE
    sheet = draw_picture({"first": evaluation, "second": evaluation}, test, table, tmp_path)
    height = CELL * 48 // 64
    for row, (photo, label_map) in enumerate(test):
        top = MARGIN + HEADING + row * (height + GAP)
        shown = [
            np.asarray(sheet.crop((left, top, left + CELL, top + height)))
            for left in range(MARGIN, sheet.width - MARGIN, CELL + GAP)
        ]
        with Image.open(photo.path) as image:
            drawn = np.asarray(image.resize((CELL, height), Image.Resampling.LANCZOS))
        predicted = colored(tmp_path / evaluation.id / photo.name)
        for cell, expected in zip(shown, (drawn, predicted, predicted, colored(label_map.path)), strict=True):
            assert np.array_equal(cell, expected)
