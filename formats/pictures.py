"""Read and write the PNGs of exports, exactly: numbers, or colours.

`Image.MAX_IMAGE_PIXELS` is the most pixels that a file or a drawing may have.
"""

import io
import struct
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from formats.contract import Color, Mask, Numbers, Unreadable

DEPTH_AT = 24
"""Where the header of a PNG has the number of bits per channel."""
UNKNOWN = 65535
BLACK = (0, 0, 0)


def check_size(width: int, height: int) -> None:
    """Raise Unreadable for a size that no photo of a pool has."""
    if width < 1 or height < 1 or width * height > (Image.MAX_IMAGE_PIXELS or 0):
        raise Unreadable(f"it is {width}×{height}, which no photo may be")


def opened(content: bytes) -> Image.Image:
    """A decoded PNG. Raises Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["PNG"])
        check_size(*image.size)
        image.load()
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable("it has too many pixels") from None
    except (OSError, SyntaxError, ValueError, struct.error, EOFError) as error:
        raise Unreadable(f"it is no complete PNG: {error}") from None
    return image


def numbers_of(content: bytes) -> Numbers:
    """The numbers (H, W) in a PNG with one channel: grey values or entries of its palette, as stored."""
    image = opened(content)
    if image.mode not in ("1", "L", "P", "I;16"):
        raise Unreadable(f"it has the colour mode {image.mode}: a PNG with one channel is expected")
    return _values(image, content)


def codes_of(content: bytes) -> NDArray[np.uint32]:
    """The colours (H, W) of a PNG, R + 256·G + 256²·B. Raises Unreadable if it is not opaque."""
    image = opened(content)
    if image.mode not in ("RGB", "RGBA", "P", "L", "1"):
        raise Unreadable(f"it has the colour mode {image.mode}: RGB with 8 bits is expected")
    rgba = np.asarray(image.convert("RGBA"))
    if (rgba[..., 3] != 255).any():
        raise Unreadable("it is transparent in places")
    red, green, blue = (rgba[..., channel].astype(np.uint32) for channel in range(3))
    codes: NDArray[np.uint32] = red | green << np.uint32(8) | blue << np.uint32(16)
    return codes


def code(color: Color) -> int:
    """R + 256·G + 256²·B, as COCO counts."""
    return color[0] | color[1] << 8 | color[2] << 16


def color_of(code: int) -> Color:
    return code & 255, code >> 8 & 255, code >> 16 & 255


def by_numbers_or_colors(content: bytes, numbers: Mapping[int, int], colors: Mapping[Color, int]) -> Numbers:
    """The label numbers (H, W) of a PNG that holds numbers or colours of labels.

    `numbers` and `colors` give the label number of each number and colour that a file may use. The palette
    of a file counts if all its used colours are those of labels: drawing programs store colours in any order.
    Raises Unreadable for a pixel that is none of these, or if a palette can be read in two ways.
    """
    image = opened(content)
    if image.mode in ("RGB", "RGBA"):
        return known(
            codes_of(content), {code(color): number for color, number in colors.items()}, colored=True
        )
    if image.mode not in ("1", "L", "P", "I;16"):
        raise Unreadable(f"it has the colour mode {image.mode}: save it as RGB, or with one channel")
    values = _values(image, content)
    if image.mode != "P" or not colors:
        return known(values, numbers)
    entries = _of_palette(image, np.unique(values).tolist(), numbers, colors)
    return known(values, entries)


def _of_palette(
    image: Image.Image, used: Sequence[int], numbers: Mapping[int, int], colors: Mapping[Color, int]
) -> Mapping[int, int]:
    """The label number of each used entry of the palette."""
    channels = (image.getpalette("RGB") or []) + [0] * 768
    seen = {entry: (channels[3 * entry], channels[3 * entry + 1], channels[3 * entry + 2]) for entry in used}
    unlabelled = {entry for entry in used if numbers.get(entry) == 0 and seen[entry] not in colors}
    labelled = [entry for entry in used if entry not in unlabelled]
    if all(seen[entry] in colors for entry in labelled):
        return {entry: colors[seen[entry]] for entry in labelled} | dict.fromkeys(unlabelled, 0)
    if numbers and not any(seen[entry] in colors and seen[entry] != BLACK for entry in labelled):
        return numbers
    strange = next(entry for entry in labelled if seen[entry] not in colors)
    raise Unreadable(f"its palette has label colours, but also {seen[strange]}, which is no label's")


def known(values: NDArray[np.unsignedinteger], table: Mapping[int, int], colored: bool = False) -> Numbers:
    """`table[value]` for each value (H, W). Raises Unreadable for the first value that it does not have."""
    keys = np.array(sorted(table), values.dtype)
    if not keys.size:
        raise Unreadable("the export declares no label")
    targets = np.array([table[int(key)] for key in keys], np.uint16)
    places = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
    wrong = keys[places] != values
    if wrong.any():
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        value = int(values[row, column])
        shown = f"has the colour {color_of(value)}" if colored else f"is {value}"
        share = f"{wrong.mean():.1%} of the pixels are like this"
        raise Unreadable(f"the pixel ({column}, {row}) {shown}, which is no label's; {share}")
    return targets[places]


def mask_of(content: bytes) -> Mask:
    """Where (H, W) a small PNG of a region is drawn: opaque, or else not 0."""
    image = opened(content)
    if "A" in image.getbands() or "transparency" in image.info:
        return np.asarray(image.convert("RGBA").getchannel("A")) > 0
    values = np.asarray(image).reshape(image.height, image.width, -1)
    return np.asarray(values.any(axis=2))


def palette_png(values: NDArray[np.uint8], palette: Mapping[int, Color]) -> bytes:
    """A palette PNG of values (H, W)."""
    height, width = values.shape
    image = Image.frombytes("P", (width, height), np.ascontiguousarray(values).tobytes())
    colors = np.zeros((256, 3), np.uint8)
    colors[list(palette)] = list(palette.values())
    image.putpalette(colors.tobytes())
    return _encoded(image)


def rgb_png(codes: NDArray[np.uint32]) -> bytes:
    """An RGB PNG of colours (H, W), R + 256·G + 256²·B."""
    return _encoded(
        Image.fromarray(np.dstack([codes & 255, codes >> 8 & 255, codes >> 16 & 255]).astype(np.uint8))
    )


def mask_png(mask: Mask) -> bytes:
    """A 1-bit PNG of a mask (H, W)."""
    return _encoded(Image.fromarray(mask.astype(np.uint8) * 255).convert("1"))


def free_color(taken: Sequence[Color | None], *wanted: Color) -> Color:
    """The first of the wanted colours, or else of the greys, that is not taken."""
    greys = ((level, level, level) for level in range(256))
    return next(color for color in (*wanted, *greys) if color not in taken)


def _values(image: Image.Image, content: bytes) -> Numbers:
    values = np.asarray(image).astype(np.uint16)
    if image.mode == "L" and (bits := content[DEPTH_AT]) < 8:
        values //= 255 // (2**bits - 1)  # Pillow stretches grey of fewer than 8 bits to 0…255
    return values


def _encoded(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
