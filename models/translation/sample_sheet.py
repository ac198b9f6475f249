"""Pictures of translations: a row for each photo, a column for each stage or model, a legend of classes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.catalog import LABELS_TO_PHOTOS
from models.images.palette import ClassTable
from models.images.photos import read_photo, read_target
from models.translation.translator import Translator

WIDTH, NARROW, SHEET = 240, 150, 1600  # cells narrow from WIDTH to NARROW, to keep the sheet this wide
GAP, MARGIN, LEGEND = 8, 20, 26
HEADING, LINE = 34, 20  # height of the first line, and of every further one
INK, PAPER = (30, 33, 38), (255, 255, 255)

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
    headings = ["label map", *headings, "photo"] if reverse else ["photo", *headings, "truth"]
    cell = min(WIDTH, max(NARROW, SHEET // len(headings) - GAP))
    rows = [_row(answers, sample, cell, table, reverse) for sample in samples]
    width = 2 * MARGIN + len(headings) * (cell + GAP) - GAP
    lines, font = _wrapped(headings, cell)
    heading = HEADING + (max(len(words) for words in lines) - 1) * LINE
    legend = _legend_lines(table, width) if table else []
    height = 2 * MARGIN + heading + sum(row[0].height + GAP for row in rows) + len(legend) * LEGEND
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, words in enumerate(lines):
        middle = MARGIN + column * (cell + GAP) + cell // 2
        for up, line in enumerate(reversed(words)):
            draw.text((middle, MARGIN + heading - 21 - up * LINE), line, INK, font, anchor="mm")
    top = MARGIN + heading
    for row in rows:
        for column, image in enumerate(row):
            sheet.paste(image, (MARGIN + column * (cell + GAP), top))
        top += row[0].height + GAP
    for entries in legend:
        top += LEGEND
        _draw_legend(draw, entries, top - LEGEND // 2)
    return sheet


def _row(
    answers: _Answers, sample: _Pair, width: int, table: ClassTable | None, reverse: bool
) -> list[Image.Image]:
    photo, label_map = read_photo(sample[0]), read_target(sample[1], table)
    size = (round(photo.shape[0] * width / photo.shape[1]), width)
    drawn = [Image.fromarray(answer) for answer in answers(label_map if reverse else photo, size)]
    photo_cell = _cell(photo, size, Image.Resampling.LANCZOS)
    truth = _cell(label_map, size, Image.Resampling.NEAREST if table else Image.Resampling.LANCZOS)
    return [truth, *drawn, photo_cell] if reverse else [photo_cell, *drawn, truth]


def _cell(rgb: NDArray[np.uint8], size: _Size, resampling: Image.Resampling) -> Image.Image:
    return Image.fromarray(rgb).resize((size[1], size[0]), resampling)


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _wrapped(headings: Sequence[str], width: int) -> tuple[list[list[str]], _Font]:
    """The headings broken into lines, and the largest font in which every word fits the width."""
    words = [word for heading in headings for word in heading.split()]
    fitting = (
        size for size in range(17, 8, -1) if all(_font(size).getlength(word) <= width for word in words)
    )
    font = _font(next(fitting, 8))
    wrapped = []
    for heading in headings:
        lines = [""]
        for word in heading.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        wrapped.append(lines)
    return wrapped, font


_Entry = tuple[int, str, tuple[int, int, int]]


def _legend_lines(table: ClassTable, width: int) -> list[list[_Entry]]:
    """The legend's entries as (x, name, colour), broken into lines that fit the sheet."""
    lines: list[list[_Entry]] = [[]]
    x = MARGIN
    for name, color in zip((*table.names, "ignored"), (*table.colors, (0, 0, 0)), strict=True):
        length = 22 + round(_font(14).getlength(name)) + 18
        if x + length > width - MARGIN and lines[-1]:
            lines.append([])
            x = MARGIN
        lines[-1].append((x, name, color))
        x += length
    return lines


def _draw_legend(draw: ImageDraw.ImageDraw, line: Sequence[_Entry], middle: int) -> None:
    for x, name, color in line:
        draw.rectangle((x, middle - 7, x + 14, middle + 7), fill=color, outline=INK)
        draw.text((x + 22, middle), name, INK, _font(14), anchor="lm")


def _font(size: int) -> _Font:
    return ImageFont.load_default(size)
