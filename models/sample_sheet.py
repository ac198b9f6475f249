"""A picture of what a translator does: one row per photo, one column per stage, a legend of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.data import read_target
from models.palette import ClassTable
from models.photos import read_photo
from models.translation import Translator

WIDTH, GAP, MARGIN = 240, 8, 20
HEADING, LEGEND = 34, 26
INK, PAPER, EMPTY = (30, 33, 38), (255, 255, 255), (238, 239, 241)


@dataclass(frozen=True)
class Sample:
    """A photo to show, and its true label map if there is one."""

    photo: Path
    label_map: Path | None


def sample_sheet(translator: Translator, samples: Sequence[Sample]) -> Image.Image:
    """Photo, translation, its nearest classes (if there are classes) and truth of every sample."""
    table = translator.class_table
    headings = ["photo", "translation", "truth"]
    if table:
        headings.insert(2, "nearest class")
    rows = [_row(translator, sample) for sample in samples]
    legend = _legend_lines(table, len(headings)) if table else []
    width = 2 * MARGIN + len(headings) * (WIDTH + GAP) - GAP
    height = 2 * MARGIN + HEADING + sum(row[0].height + GAP for row in rows) + len(legend) * LEGEND
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        middle = MARGIN + column * (WIDTH + GAP) + WIDTH // 2
        draw.text((middle, MARGIN + HEADING // 2 - 4), heading, INK, _font(17), anchor="mm")
    top = MARGIN + HEADING
    for row in rows:
        for column, cell in enumerate(row):
            sheet.paste(cell, (MARGIN + column * (WIDTH + GAP), top))
        top += row[0].height + GAP
    for line in legend:
        top += LEGEND
        _draw_legend(draw, line, top - LEGEND // 2)
    return sheet


def _row(translator: Translator, sample: Sample) -> list[Image.Image]:
    photo = read_photo(sample.photo)
    size = (round(photo.shape[0] * WIDTH / photo.shape[1]), WIDTH)
    translation = translator.translate(photo, size)
    cells = [_cell(photo, size, Image.Resampling.LANCZOS), Image.fromarray(translation.rgb)]
    if translator.class_table and translation.label_map is not None:
        cells.append(Image.fromarray(translator.class_table.encode(translation.label_map)))
    if sample.label_map:
        nearest = Image.Resampling.NEAREST if translator.class_table else Image.Resampling.LANCZOS
        cells.append(_cell(read_target(sample.label_map, translator.class_table), size, nearest))
    else:
        cells.append(Image.new("RGB", (size[1], size[0]), EMPTY))
        ImageDraw.Draw(cells[-1]).text(
            (size[1] // 2, size[0] // 2), "not annotated", INK, _font(14), anchor="mm"
        )
    return cells


def _cell(rgb: NDArray[np.uint8], size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    return Image.fromarray(rgb).resize((size[1], size[0]), resampling)


_Entry = tuple[int, str, tuple[int, int, int]]


def _legend_lines(table: ClassTable, columns: int) -> list[list[_Entry]]:
    """Classes as (x, name, colour), broken into lines that fit the sheet."""
    right = MARGIN + columns * (WIDTH + GAP) - GAP
    lines: list[list[_Entry]] = [[]]
    x = MARGIN
    for name, color in zip(table.names, table.colors, strict=True):
        length = 22 + round(_font(14).getlength(name)) + 18
        if x + length > right and lines[-1]:
            lines.append([])
            x = MARGIN
        lines[-1].append((x, name, color))
        x += length
    return lines


def _draw_legend(draw: ImageDraw.ImageDraw, line: Sequence[_Entry], middle: int) -> None:
    for x, name, color in line:
        draw.rectangle((x, middle - 7, x + 14, middle + 7), fill=color, outline=INK)
        draw.text((x + 22, middle), name, INK, _font(14), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
