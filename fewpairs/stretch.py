"""Makes 8-bit photos of 16-bit ones while they are sent: for `fewpairs upload --stretch`."""

import io
import math
import re
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from PIL import Image

from fewpairs.errors import FewpairsError
from fewpairs.sources import File
from models.images.seen import orientation, turned

FORMATS = ("PNG", "TIFF")
STARTS = (b"\x89PNG", b"II", b"MM")
BITS_PER_SAMPLE = 258
PNG_BIT_DEPTH_AT = 24
OTHER_BYTE = {"L": "B", "B": "L", "N": "B"}
"""Pillow unpacks the upper byte of a 16-bit channel; with the other order of bytes it is the lower one."""

DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    struct.error,
    Image.DecompressionBombError,
)

Halves = tuple[Image.Image, Image.Image]
"""The upper and the lower byte of a 16-bit channel, each grey (L)."""


class NotStretched(Exception):
    """A 16-bit photo cannot be stretched; the message says why."""


@dataclass
class Stretch:
    """Spreads the values of 16-bit photos from the percentile `low` to the percentile `high` over 0…255.

    One photo is in memory at a time. Raises FewpairsError if these are no percentiles.
    """

    low: float
    high: float
    done: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names of the photos that were converted, each with the values that became black and white."""
    _one: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise FewpairsError(
                "A stretch goes from a percentile to a higher one, both from 0 to 100, for example 1,99; not "
                f"{self.low:g},{self.high:g}."
            )

    def of(self, file: File) -> File:
        """The file as 8-bit PNG, if it is a 16-bit photo; reading it may raise NotStretched."""
        return replace(file, read=partial(self._read, file))

    def _read(self, file: File) -> Iterator[bytes]:
        pieces = file.read()
        start = next(pieces, b"")
        if not start.startswith(STARTS):
            yield start
            yield from pieces
            return
        with self._one:
            content = b"".join([start, *pieces])
            if made := stretched(content, self.low, self.high):
                self.done[file.name] = (made.black, made.white)
                content = made.png
        yield content


@dataclass(frozen=True)
class Stretched:
    """An 8-bit PNG, upright, and the 16-bit values that became black and white in it."""

    png: bytes
    black: int
    white: int


def stretched(content: bytes, low: float, high: float) -> Stretched | None:
    """The photo with its values from the percentile `low` to the percentile `high` spread over 0…255.

    The percentiles are those of all colour channels together; values beyond them become 0 or 255. An alpha
    channel keeps its upper byte. None if the file is no PNG or TIFF of one picture with 16 bits per channel,
    or is damaged. Raises NotStretched.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if not _is_deep(image, content) or getattr(image, "n_frames", 1) > 1:
                return None
            if "transparency" in image.info:
                raise NotStretched("One of its values means transparent: fill it with a colour first.")
            channels, turn = _channels(image, content), orientation(image)
    except DAMAGED:
        return None
    colors, alpha = (channels[:3], channels[3:]) if len(channels) > 2 else (channels, [])
    black, white = _percentile(colors, low), _percentile(colors, high)
    if black == white:
        raise NotStretched(f"All values from the percentile {low:g} to {high:g} are {black}: spread more.")
    table = [min(255, max(0, round((v - black) * 255 / (white - black)))) for v in range(2**16)]
    planes = [_joined(channel).point(table, "L") for channel in colors] + [upper for upper, _ in alpha]
    png = io.BytesIO()
    turned(Image.merge({1: "L", 3: "RGB", 4: "RGBA"}[len(planes)], planes), turn).save(png, "PNG")
    return Stretched(png.getvalue(), black, white)


def _is_deep(image: Image.Image, content: bytes) -> bool:
    if image.format == "PNG":
        return content[PNG_BIT_DEPTH_AT] == 16
    stored = image.tag_v2.get(BITS_PER_SAMPLE, 1)  # type: ignore[attr-defined]
    return set(stored if isinstance(stored, tuple) else (stored,)) == {16}


def _channels(image: Image.Image, content: bytes) -> list[Halves]:
    if image.mode.startswith("I;16"):
        halves = Image.frombytes("LA", image.size, image.tobytes()).split()
        upper, lower = halves if image.mode == "I;16B" else halves[::-1]
        return [(upper, lower)]
    with Image.open(io.BytesIO(content), formats=FORMATS) as other:
        other.tile = [tile._replace(args=_of_other_byte(tile.args)) for tile in other.tile]
        return list(zip(image.split(), other.split(), strict=True))


def _of_other_byte(args: tuple[Any, ...] | str | None) -> tuple[Any, ...] | str:
    """The arguments of Pillow's decoder with the other order of bytes."""
    mode, *others = args if isinstance(args, tuple) else (args,)
    if not (known := re.fullmatch(r"(RGBA?;16)([LBN])", str(mode))):
        raise NotStretched(
            "Its channels are stored in an uncommon way: `magick IN -auto-level PNG24:OUT.png`."
        )
    changed = f"{known[1]}{OTHER_BYTE[known[2]]}"
    return (changed, *others) if isinstance(args, tuple) else changed


def _percentile(channels: Sequence[Halves], percent: float) -> int:
    """The least value that at least `percent` of the pixels do not exceed."""
    pixels = sum(upper.width * upper.height for upper, _ in channels)
    wanted = max(1, math.ceil(percent * pixels / 100))
    high, below = _reached([upper.histogram() for upper, _ in channels], wanted)
    is_high = [255 if value == high else 0 for value in range(256)]
    within = [lower.histogram(upper.point(is_high)) for upper, lower in channels]
    low, _ = _reached(within, wanted - below)
    return 256 * high + low


def _reached(histograms: Sequence[Sequence[int]], wanted: int) -> tuple[int, int]:
    """The first bin with which the sum of all counts reaches `wanted`, and the sum before it."""
    below = 0
    for place, counts in enumerate(zip(*histograms, strict=True)):
        if below + sum(counts) >= wanted:
            return place, below
        below += sum(counts)
    raise AssertionError("more pixels are wanted than there are")


def _joined(channel: Halves) -> Image.Image:
    """The 16-bit values as whole numbers (I)."""
    upper, lower = channel
    return Image.frombytes("I;16", upper.size, Image.merge("LA", (lower, upper)).tobytes()).convert("I")
