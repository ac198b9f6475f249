from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.catalog import LABELS_TO_PHOTOS
from models.images.palette import ClassTable
from models.images.photos import read_label_map
from models.images.sheet import GAP, HEADING, MARGIN, PAPER
from models.training.networks import Generator, initialise
from models.translation.sample_sheet import NARROW, WIDTH, comparison_sheet, sample_sheet
from models.translation.translator import Translator
from tests.models.runs import TABLE, write_scenes


def translator(table: ClassTable | None, seed: int = 0) -> Translator:
    network = Generator(2, 1)
    initialise(network, torch.Generator().manual_seed(seed))
    for parameter in network.parameters():
        parameter.data *= 3  # so that networks of different seeds draw different classes
    return Translator(network, 32, table)


def classifier() -> Translator:
    torch.manual_seed(0)
    return Translator(nn.Conv2d(3, 3, 3, padding=1), 32, TABLE, learns_classes=True)


def cells(sheet: NDArray[np.uint8], columns: int, top: int = MARGIN + HEADING) -> list[NDArray[np.uint8]]:
    """The images in the first row of a sheet of scenes."""
    width = (sheet.shape[1] - 2 * MARGIN + GAP) // columns - GAP
    lefts = [MARGIN + column * (width + GAP) for column in range(columns)]
    return [sheet[top : top + width * 48 // 64, left : left + width] for left in lefts]


def test_rows_show_photo_translation_classes_and_truth(tmp_path: Path) -> None:
    """A row is photo, translation, its nearest classes and the truth, at the photo's proportions."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    model = translator(TABLE)
    sheet = np.asarray(sample_sheet(model, [(photo, label_map)]))
    height = WIDTH * 48 // 64
    shown = cells(sheet, 4)
    drawn = model.translate(np.asarray(Image.open(photo)), (height, WIDTH))
    assert drawn.label_map is not None
    assert np.array_equal(shown[1], drawn.rgb)
    assert np.array_equal(shown[2], TABLE.encode(drawn.label_map))
    truth = Image.fromarray(TABLE.encode(read_label_map(label_map)))
    assert np.array_equal(shown[3], np.asarray(truth.resize((WIDTH, height), Image.Resampling.NEAREST)))
    small = Image.fromarray(shown[0]).resize((64, 48), Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(Image.open(photo))).mean() < 10


@pytest.mark.parametrize(("table", "columns"), [(TABLE, 4), (None, 3)])
def test_headings_and_legend_are_drawn_inside_the_sheet(
    tmp_path: Path, table: ClassTable | None, columns: int
) -> None:
    """Every column has a heading, the legend is below the rows, and the margins stay empty."""
    pairs = write_scenes(tmp_path, 2)
    samples = [(photo, label if table else photo) for photo, label in pairs]
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


def test_many_classes_wrap_their_legend(tmp_path: Path) -> None:
    """A legend wider than the sheet continues on further lines."""
    names = tuple(f"class number {i}" for i in range(40))
    table = ClassTable(names, tuple((i, 255 - i, 5 * i) for i in range(40)))
    sheet = np.asarray(sample_sheet(translator(table), []))
    assert not (sheet != PAPER).any(axis=2)[:, -MARGIN + 1 :].any()
    assert sheet.shape[0] > np.asarray(sample_sheet(translator(TABLE), [])).shape[0] + 60


def test_networks_that_learn_classes_have_no_translation(tmp_path: Path) -> None:
    """For class logits the sheet shows photo, predicted class and truth."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    sheet = np.asarray(sample_sheet(classifier(), [(photo, label_map)]))
    assert sheet.shape[1] == 2 * MARGIN + 3 * (WIDTH + GAP) - GAP
    drawn = classifier().translate(np.asarray(Image.open(photo)), (WIDTH * 48 // 64, WIDTH))
    assert np.array_equal(cells(sheet, 3)[1], drawn.rgb)


@pytest.mark.parametrize("table", [TABLE, None])
def test_a_comparison_has_one_column_per_model(tmp_path: Path, table: ClassTable | None) -> None:
    """Between photo and truth are the models' nearest classes or, without classes, their translations."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    models = [translator(table, seed=0), translator(table, seed=1)]
    if table:
        models.append(classifier())
    names = ["first", "second", "third"]
    sample = (photo, label_map if table else photo)
    sheet = np.asarray(comparison_sheet(list(zip(names, models, strict=False)), [sample]))
    shown = cells(sheet, len(models) + 2)
    size = shown[0].shape[:2]
    for model, cell in zip(models, shown[1:-1], strict=True):
        drawn = model.translate(np.asarray(Image.open(photo)), (size[0], size[1]))
        expected = drawn.rgb if table is None or drawn.label_map is None else table.encode(drawn.label_map)
        assert np.array_equal(cell, expected)
    assert not np.array_equal(shown[1], shown[2])
    if table is None:
        assert np.array_equal(shown[0], shown[-1])


def test_wide_comparisons_narrow_their_cells_and_wrap_their_headings(tmp_path: Path) -> None:
    """Seven models stay below 1,700 pixels; a long heading takes more lines and moves the rows down."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    model, samples = translator(TABLE), [(photo, label_map)]
    short = comparison_sheet([("hybrid", model)] * 7, samples)
    long = comparison_sheet([("hybrid", model)] * 6 + [("hybrid with 20 pairs, unbalanced", model)], samples)
    assert 9 * NARROW < short.width == long.width < 1700
    assert 15 < long.height - short.height < 60
    extra = long.height - short.height
    one, other = (np.asarray(sheet) for sheet in (short, long))
    assert np.array_equal(one[MARGIN + HEADING :], other[MARGIN + HEADING + extra :])
    unbroken = comparison_sheet([("w" * 40, model)] * 7, samples)
    assert not (np.asarray(unbroken) != PAPER).any(axis=2)[:, :MARGIN].any()


def test_translators_that_make_photos_stand_between_label_map_and_photo(tmp_path: Path) -> None:
    """The columns are the label map in class colours, the photos drawn from it, and the true photo."""
    ((photo, label_map),) = write_scenes(tmp_path, 1)
    network = Generator(2, 1)
    initialise(network, torch.Generator().manual_seed(0))
    model = Translator(network, 32, TABLE, direction=LABELS_TO_PHOTOS)
    sheet = np.asarray(comparison_sheet([("drawn", model)], [(photo, label_map)]))
    shown = cells(sheet, 3)
    colored = TABLE.draw(read_label_map(label_map))
    size = shown[0].shape[:2]
    assert np.array_equal(shown[1], model.draw(colored, (size[0], size[1])))
    nearest = Image.fromarray(colored).resize((size[1], size[0]), Image.Resampling.NEAREST)
    assert np.array_equal(shown[0], np.asarray(nearest)[:, :, :3])
    small = Image.fromarray(shown[2]).resize((64, 48), Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(Image.open(photo))).mean() < 10
    with pytest.raises(ValueError, match="different directions"):
        comparison_sheet([("a", model), ("b", translator(TABLE))], [])


def test_models_that_cannot_be_compared_are_refused() -> None:
    """No models, or models with different classes, raise ValueError."""
    with pytest.raises(ValueError, match="at least one model"):
        comparison_sheet([], [])
    with pytest.raises(ValueError, match="the same classes"):
        comparison_sheet([("a", translator(TABLE)), ("b", translator(None))], [])
