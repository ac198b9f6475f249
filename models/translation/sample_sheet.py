"""Pictures of translations: a row for each photo, a column for each stage or model, a legend of classes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.catalog import LABELS_TO_PHOTOS
from models.images.palette import ClassTable
from models.images.photos import read_photo, read_target
from models.images.sheet import GAP, Legend, picture_sheet
from models.translation.translator import Translator

WIDTH, NARROW, SHEET = 240, 150, 1600  # cells narrow from WIDTH to NARROW, to keep the sheet this wide

_Pair = tuple[Path, Path]
_Size = tuple[int, int]
_Answers = Callable[[NDArray[np.uint8], _Size], list[NDArray[np.uint8]]]


def sample_sheet(translator: Translator, samples: Sequence[_Pair]) -> Image.Image:
    """A row for each sample, a photo and its label map: the photo, its translation, the nearest classes (if
    there are classes), and the truth.

    If the network learns classes, the predicted classes stand for translation and nearest classes.
    """
    table, learns_classes = translator.class_table, translator.learns_classes
    headings = ["predicted class"] if learns_classes else ["translation"]
    if table and not learns_classes:
        headings.append("nearest class")

    def answers(photo: NDArray[np.uint8], size: _Size) -> list[NDArray[np.uint8]]:
        translation = translator.translate(photo, size)
        if table is None or translation.label_map is None or learns_classes:
            return [translation.rgb]
        return [translation.rgb, table.encode(translation.label_map)]

    return _sheet(headings, answers, samples, table)


def comparison_sheet(columns: Sequence[tuple[str, Translator]], samples: Sequence[_Pair]) -> Image.Image:
    """A row for each sample: photo, a column for each model, and truth, as in the paper's Figures 2, 4 and 5.

    `columns` are headings, such as "hybrid 20/200", with their translators. A cell shows the predicted
    classes, or the translation of an `rgb` pool. If the translators make photos, a row has the label map, the
    models' photos, and the true photo. ValueError when there are no columns, or classes or directions differ.
    """
    if not columns:
        raise ValueError("a comparison needs at least one model")
    table, direction = columns[0][1].class_table, columns[0][1].direction
    if any(translator.class_table != table for _, translator in columns):
        raise ValueError("these models have different classes: compare models with the same classes")
    if any(translator.direction != direction for _, translator in columns):
        raise ValueError("these models translate in different directions: compare models of one direction")

    def photos(label_map: NDArray[np.uint8], size: _Size) -> list[NDArray[np.uint8]]:
        return [translator.draw(label_map, size) for _, translator in columns]

    def answers(photo: NDArray[np.uint8], size: _Size) -> list[NDArray[np.uint8]]:
        translations = [translator.translate(photo, size) for _, translator in columns]
        return [
            translation.rgb
            if table is None or translation.label_map is None
            else table.encode(translation.label_map)
            for translation in translations
        ]

    headings = [heading for heading, _ in columns]
    if direction == LABELS_TO_PHOTOS:
        return _sheet(headings, photos, samples, table, reverse=True)
    return _sheet(headings, answers, samples, table)


def _sheet(
    headings: Sequence[str],
    answers: _Answers,
    samples: Sequence[_Pair],
    table: ClassTable | None,
    reverse: bool = False,
) -> Image.Image:
    """`answers` draws the cells between photo and truth; `headings` are theirs.

    With `reverse`, `answers` gets the label map and draws photos.
    """
    headings = ["label map", *headings, "photo"] if reverse else ["photo", *headings, "label map"]
    cell = min(WIDTH, max(NARROW, SHEET // len(headings) - GAP))
    rows = [_row(answers, sample, cell, table, reverse) for sample in samples]
    return picture_sheet(headings, rows, cell, _legend(table) if table else [])


def _legend(table: ClassTable) -> Legend:
    """The classes and what stands for unlabelled pixels."""
    return list(zip((*table.names, "unlabelled"), (*table.colors, (0, 0, 0)), strict=True))


def _row(
    answers: _Answers, sample: _Pair, width: int, table: ClassTable | None, reverse: bool
) -> list[Image.Image]:
    photo, label_map = read_photo(sample[0]), read_target(sample[1], table)
    size = (round(photo.shape[0] * width / photo.shape[1]), width)
    drawn = [Image.fromarray(answer) for answer in answers(label_map if reverse else photo, size)]
    photo_cell = _cell(photo, size, Image.Resampling.LANCZOS)
    truth = _cell(label_map, size, Image.Resampling.NEAREST if table else Image.Resampling.LANCZOS)
    return [truth, *drawn, photo_cell] if reverse else [photo_cell, *drawn, truth]


def _cell(image: NDArray[np.uint8], size: _Size, resampling: Image.Resampling) -> Image.Image:
    return Image.fromarray(image[:, :, :3]).resize((size[1], size[0]), resampling)
