"""A sheet of pictures: rows and columns under headings, and a legend of colours."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP, MARGIN, LEGEND = 8, 20, 26
HEADING, LINE = 34, 20
"""The height of a heading's first line, and of every further one."""
INK, PAPER = (30, 33, 38), (255, 255, 255)

Legend = Sequence[tuple[str, tuple[int, int, int]]]
"""Names and their RGB colours."""


def picture_sheet(
    headings: Sequence[str], rows: Sequence[Sequence[Image.Image]], cell: int, legend: Legend
) -> Image.Image:
    """An RGB picture with a column for each heading, above the legend, if that has entries.

    All pictures are `cell` pixels wide; those of a row have the same height.
    """
    width = 2 * MARGIN + len(headings) * (cell + GAP) - GAP
    lines, font = _wrapped(headings, cell)
    heading = HEADING + (max(len(words) for words in lines) - 1) * LINE
    entries = _legend_lines(legend, width) if legend else []
    height = 2 * MARGIN + heading + sum(row[0].height + GAP for row in rows) + len(entries) * LEGEND
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
    for entry_line in entries:
        top += LEGEND
        _draw_legend(draw, entry_line, top - LEGEND // 2)
    return sheet


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


def _legend_lines(legend: Legend, width: int) -> list[list[_Entry]]:
    """The legend's entries as (x, name, colour), broken into lines that fit the sheet."""
    lines: list[list[_Entry]] = [[]]
    x = MARGIN
    for name, color in legend:
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
