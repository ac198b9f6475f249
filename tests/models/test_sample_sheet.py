from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.networks import Generator, initialise
from models.palette import ClassTable
from models.photos import read_label_map
from models.sample_sheet import GAP, HEADING, MARGIN, PAPER, WIDTH, Sample, sample_sheet
from models.translation import Translator
from tests.models.runs import TABLE, write_scenes


def translator(table: ClassTable | None) -> Translator:
    network = Generator(2, 1)
    initialise(network, torch.Generator().manual_seed(0))
    return Translator(network, 32, table)


def test_rows_show_photo_translation_classes_and_truth(tmp_path: Path) -> None:
    """A row is photo, translation, its nearest classes and the truth, at the photo's proportions."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    model = translator(TABLE)
    sheet = np.asarray(sample_sheet(model, [Sample(photo, label_map)]))
    height, top = WIDTH * 48 // 64, MARGIN + HEADING
    cells = [
        sheet[top : top + height, MARGIN + c * (WIDTH + GAP) : MARGIN + c * (WIDTH + GAP) + WIDTH]
        for c in range(4)
    ]
    drawn = model.translate(np.asarray(Image.open(photo)), (height, WIDTH))
    assert drawn.label_map is not None
    assert np.array_equal(cells[1], drawn.rgb)
    assert np.array_equal(cells[2], TABLE.encode(drawn.label_map))
    truth = Image.fromarray(TABLE.encode(read_label_map(label_map)))
    assert np.array_equal(cells[3], np.asarray(truth.resize((WIDTH, height), Image.Resampling.NEAREST)))
    small = Image.fromarray(cells[0]).resize((64, 48), Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(Image.open(photo))).mean() < 10


@pytest.mark.parametrize(("table", "columns"), [(TABLE, 4), (None, 3)])
def test_headings_and_legend_are_drawn_inside_the_sheet(
    tmp_path: Path, table: ClassTable | None, columns: int
) -> None:
    """Every column has a heading, the classes a legend below the rows, and the margins stay empty."""
    pairs = write_scenes(tmp_path, 2)
    samples = [Sample(photo, label if table else photo) for photo, label in pairs]
    sheet = np.asarray(sample_sheet(translator(table), samples))
    assert sheet.shape[1] == 2 * MARGIN + columns * (WIDTH + GAP) - GAP
    inked = (sheet != PAPER).any(axis=2)
    for column in range(columns):
        left = MARGIN + column * (WIDTH + GAP)
        assert inked[MARGIN : MARGIN + HEADING - 4, left : left + WIDTH].sum() > 50
    bottom = MARGIN + HEADING + 2 * (WIDTH * 48 // 64 + GAP)
    assert inked[bottom:].any() == (table is not None)
    assert not inked[:, :MARGIN].any()
    assert not inked[:, -MARGIN:].any()


def test_a_photo_without_truth_has_an_empty_cell(tmp_path: Path) -> None:
    """An image that is not annotated yet can be shown; a sheet without samples is only its headings."""
    ((photo, _),) = write_scenes(tmp_path, 1)
    model = translator(TABLE)
    assert sample_sheet(model, [Sample(photo, None)]).height > sample_sheet(model, []).height


def test_many_classes_wrap_their_legend(tmp_path: Path) -> None:
    """A legend longer than the sheet is wide continues on further lines."""
    names = tuple(f"class number {i}" for i in range(40))
    table = ClassTable(names, tuple((i, 255 - i, 5 * i) for i in range(40)))
    sheet = np.asarray(sample_sheet(translator(table), []))
    assert not (sheet != PAPER).any(axis=2)[:, -MARGIN + 1 :].any()
    assert sheet.shape[0] > np.asarray(sample_sheet(translator(TABLE), [])).shape[0] + 60
