"""Classes by their numbers and colours: what the pixels of a label map mean, and why they mean nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops

from service.http.problems import LabelMapUnknownClass, LabelMapUnknownColor

Color = tuple[int, int, int]

BAND = 2**20
"""Pixels whose colours are looked up at a time, so that a large label map needs little memory."""


@dataclass(frozen=True)
class Classes:
    """A pool's class table, as label maps are read with it."""

    names: tuple[str, ...]
    numbers: dict[int, int]
    """The position in the table, or `ignore`, of each number that a file may use."""
    colors: dict[Color, int]
    """The same for colours."""
    ignore: int

    @classmethod
    def of(cls, table: dict[str, Any] | None) -> "Classes | None":
        """The classes of a pool; None if it has none."""
        if table is None:
            return None
        entries, ignore = table["classes"], table["ignore"]
        numbers = {entry.get("id", position): position for position, entry in enumerate(entries)}
        colors = {tuple(entry["color"]): position for position, entry in enumerate(entries)}
        unlabelled = [ignore, *table.get("ignore_ids", [])]
        if "ignore_color" in table:
            colors[tuple(table["ignore_color"])] = ignore
        return cls(
            tuple(entry["name"] for entry in entries),
            numbers | dict.fromkeys(unlabelled, ignore),
            colors,
            ignore,
        )

    def numbers_of_classes(self) -> list[int]:
        return sorted(number for number, position in self.numbers.items() if position != self.ignore)

    def name_of(self, position: int) -> str:
        return "unlabelled" if position == self.ignore else self.names[position]

    def nearest(self, color: Color) -> tuple[str, Color]:
        """The class whose colour is nearest, and this colour."""

        def distance(known: Color) -> int:
            return sum((a - b) ** 2 for a, b in zip(known, color, strict=True))

        near = min(
            (known for known, position in self.colors.items() if position != self.ignore), key=distance
        )
        return self.names[self.colors[near]], near


def by_number(values: Image.Image, opaque: Image.Image | None, classes: Classes) -> Image.Image:
    """The positions in the class table (L) of the numbers in `values` (L or I;16).

    Pixels that are 0 in `opaque` are unlabelled. Raises LabelMapUnknownClass for a number that is no class's.
    """
    wide = values if values.mode == "L" else values.convert("I")
    positions, unknown = _looked_up(wide, classes.numbers, classes.ignore)
    if opaque:
        positions.paste(classes.ignore, mask=ImageChops.invert(opaque))
        unknown = ImageChops.darker(unknown, opaque)
    if first := first_pixel(unknown):
        number, share = values.getpixel(first), share_of(unknown)
        raise LabelMapUnknownClass(
            f"The pixel {first} is {number}, and {share} of the pixels have numbers that are not classes. "
            f"The numbers are {_listed(classes)}. Draw these pixels with a class, or as unlabelled.",
            pixel=first,
            number=number,
        )
    return positions


def by_palette(image: Image.Image, colors: dict[int, Color | None], classes: Classes) -> Image.Image:
    """The positions (L) of the colours of a palette image; the colour of an unlabelled entry is None.

    Raises LabelMapUnknownColor for a pixel whose colour is no class's.
    """
    known = {
        entry: classes.ignore if color is None else classes.colors[color]
        for entry, color in colors.items()
        if color is None or color in classes.colors
    }
    positions, unknown = _looked_up(image, known, classes.ignore)
    if first := first_pixel(unknown):
        entry = image.getpixel(first)
        assert isinstance(entry, int)
        raise unknown_color(first, colors[entry] or (0, 0, 0), unknown, classes)
    return positions


def by_color(image: Image.Image, classes: Classes) -> tuple[Image.Image, Image.Image]:
    """The positions (L) of the colours of an RGB or RGBA image, and the pixels (L, 255) that have none.

    Wholly transparent pixels are unlabelled, partly transparent ones have no class.
    """
    positions, unknown = Image.new("L", image.size), Image.new("L", image.size)
    for box in _bands(image):
        band = image.crop(box)
        found, strange = _matched(band.convert("RGB"), classes)
        if band.mode == "RGBA":
            alpha = band.getchannel("A")
            clear = alpha.point(_where(lambda value: value == 0))
            found.paste(classes.ignore, mask=clear)
            strange.paste(255, mask=alpha.point(_where(lambda value: value != 255)))
            strange.paste(0, mask=clear)
        positions.paste(found, box)
        unknown.paste(strange, box)
    return positions, unknown


def unknown_color(
    first: tuple[int, int], color: Color, unknown: Image.Image, classes: Classes
) -> LabelMapUnknownColor:
    name, near = classes.nearest(color)
    wrong = "is partly transparent" if color in classes.colors else "is no class's"
    return LabelMapUnknownColor(
        f"The pixel {first} has the colour {color}, which {wrong}; the nearest class is {name} {near}. "
        f"{share_of(unknown).capitalize()} of the pixels are like this: an anti-aliased border, or another "
        "class table? Save the label map without smoothing, in exactly the class colours.",
        pixel=first,
        color=color,
        nearest=name,
    )


def first_pixel(mask: Image.Image) -> tuple[int, int] | None:
    """(x, y) of the first pixel, row by row, that is not 0."""
    box = mask.getbbox()
    if box is None:
        return None
    row = mask.crop((0, box[1], mask.width, box[1] + 1)).getbbox()
    assert row
    return row[0], box[1]


def share_of(mask: Image.Image) -> str:
    """The share of the pixels that are not 0, as a percentage."""
    share = 1 - mask.histogram()[0] / (mask.width * mask.height)
    return f"{100 * share:.1f} %" if share >= 0.0005 else "less than 0.1 %"


def opaque_pixels(alpha: Image.Image) -> Image.Image:
    """The pixels (L, 255) that are not wholly transparent."""
    return alpha.point(_where(lambda value: value > 0))


def _matched(rgb: Image.Image, classes: Classes) -> tuple[Image.Image, Image.Image]:
    """The positions of exact colours, found in two steps: a code for each red and green, then code and blue.

    A pixel of another colour gets any position; drawing the positions in their colours tells which these are.
    """
    red, green, blue = rgb.split()
    codes = {pair: code for code, pair in enumerate(dict.fromkeys((r, g) for r, g, _ in classes.colors))}
    coded = _of_two(red, green, codes)
    places = list(classes.colors)
    place = _of_two(coded, blue, {(codes[r, g], b): number for number, (r, g, b) in enumerate(places)})
    drawn = place.copy()
    drawn.putpalette([channel for color in places for channel in color])
    difference = ImageChops.difference(rgb, drawn.convert("RGB")).split()
    unlike = ImageChops.lighter(ImageChops.lighter(difference[0], difference[1]), difference[2])
    table = [*classes.colors.values()]
    return place.point(table + [0] * (256 - len(table))), unlike.point(_where(lambda value: value > 0))


def _of_two(high: Image.Image, low: Image.Image, values: dict[tuple[int, int], int]) -> Image.Image:
    """`values[high, low]` of every pixel (L), and 0 where there is no such value."""
    table = [0] * 65536
    for (first, second), value in values.items():
        table[first << 8 | second] = value
    joined = Image.frombytes("I;16", high.size, Image.merge("LA", (low, high)).tobytes())
    return joined.convert("I").point(table, "L")


def _looked_up(values: Image.Image, known: dict[int, int], otherwise: int) -> tuple[Image.Image, Image.Image]:
    """`known[value]` of every pixel (L), and the pixels (L, 255) whose value is not known."""
    every = range(65536 if values.mode == "I" else 256)
    found = values.point([known.get(value, otherwise) for value in every], "L")
    return found, values.point([0 if value in known else 255 for value in every], "L")


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _where(holds: Callable[[int], bool]) -> list[int]:
    return [255 if holds(value) else 0 for value in range(256)]


def _listed(classes: Classes) -> str:
    """The numbers of the classes and what marks unlabelled pixels, as a person writes them."""
    numbers = classes.numbers_of_classes()
    first, last = numbers[0], numbers[-1]
    in_a_row = numbers == list(range(first, last + 1))
    of_classes = f"{first} to {last}" if in_a_row else ", ".join(map(str, numbers))
    unlabelled = sorted(number for number, position in classes.numbers.items() if position == classes.ignore)
    return f"{of_classes} (classes) and {', '.join(map(str, unlabelled))} (unlabelled)"
