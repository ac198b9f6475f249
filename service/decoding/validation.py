"""Check photos and label maps. These functions run in the processes of `service.decoding.decoders`.

Every image is decoded completely: its header and Pillow's `verify()` also accept truncated files.
"""

import io
import struct
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from service.http.problems import (
    AlphaChannel,
    AnimatedImage,
    ExifRotated,
    LabelMapFormat,
    LabelMapMode,
    LabelMapSize,
    LabelMapUnknownClass,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
    UndecodableImage,
    UnsupportedBitDepth,
    UnsupportedColorMode,
    UnsupportedFormat,
)

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
TAKEN = "Send JPEG, PNG, WebP, TIFF or BMP."
ORIENTATION, BITS_PER_SAMPLE = 274, 258
PNG_BIT_DEPTH_AT = 24
ALPHA_MODES = {"RGBA", "RGBa", "LA", "La", "PA"}
DEEP_MODES = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N", "1"}
LABEL_MODES = {"L", "P", "1", "I;16"}


@dataclass(frozen=True)
class Checked:
    media_type: str
    width: int
    height: int


def limit_pixels(most: int) -> None:
    """From now on refuse larger images as soon as their header is read, before any pixel is decoded."""
    Image.MAX_IMAGE_PIXELS = most
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def photo(path: str) -> Checked:
    """Accept an upright 8-bit RGB or grey photo, or a palette PNG, without transparency. Raises a Problem."""
    with _opened(path) as image:
        _check_still(image)
        _check_colours(image, path)
        if image.getexif().get(ORIENTATION, 1) > 1:
            raise ExifRotated(
                "The file stores the photo rotated and notes this in EXIF. Many programs ignore the note, so "
                "photo and label map would not match. Save the photo upright, for example with "
                "ImageOps.exif_transpose or `mogrify -auto-orient`."
            )
        image.load()
        return Checked(_media_type(image), image.width, image.height)


def label_map(path: str, known: frozenset[int] | None, size: tuple[int, int] | None) -> Checked:
    """Accept a PNG of class ids that are all in `known`; if `known` is None, an RGB image. Raises a Problem.

    `size` is the required (width, height).
    """
    checked = photo(path) if known is None else _class_ids(path, known)
    if size and (checked.width, checked.height) != size:
        raise LabelMapSize(
            f"The label map is {checked.width}×{checked.height} and its image {size[0]}×{size[1]}: "
            "send a label map of the image's size."
        )
    return checked


def thumbnail(path: str, side: int) -> bytes:
    """Make a JPEG of the image, at most `side` pixels wide and high."""
    with _opened(path) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        content = io.BytesIO()
        image.convert("RGB").save(content, "JPEG", quality=85)
        return content.getvalue()


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    """Open the file; any failure to open or decode it becomes a Problem."""
    opened = False
    try:
        with Image.open(path, formats=[*MEDIA_TYPES, "GIF"]) as image:
            opened = True
            yield image
    except UnidentifiedImageError:
        raise _unidentified(path) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise TooManyPixels(
            f"The image has more than {Image.MAX_IMAGE_PIXELS:,} pixels: scale it down."
        ) from None
    except MemoryError:
        raise UndecodableImage(
            "Decoding the file takes more memory than its size allows: save it again, for example as PNG."
        ) from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        IndexError,
        TypeError,
        KeyError,
        EOFError,
        struct.error,
    ) as error:
        kind = TruncatedImage if opened else NotAnImage
        raise kind(
            f"The image cannot be decoded ({error}): copy the whole file again, or save it again."
        ) from None


def _unidentified(path: str) -> NotAnImage | UnsupportedFormat:
    try:
        with Image.open(path) as image:
            return UnsupportedFormat(f"The file is {image.format}. {TAKEN}")
    except Exception:
        return NotAnImage(f"The file is not an image of a known format, whatever its name says. {TAKEN}")


def _check_still(image: Image.Image) -> None:
    # An MPO from a phone is a JPEG with more views after the photo; its first picture is the photo.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise AnimatedImage("The file contains several pictures: save the one you want as a separate file.")
    if image.format == "GIF":
        raise UnsupportedFormat(f"The file is GIF, which reduces photos to 256 colours. {TAKEN}")


def _check_colours(image: Image.Image, path: str) -> None:
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        raise AlphaChannel(
            "The image has transparency, which the networks cannot use: save it without an alpha channel."
        )
    if image.mode in DEEP_MODES or _bits(image, path) > 8:
        raise UnsupportedBitDepth(
            "The image does not have 8 bits per channel: convert it to 8 bits, with the contrast that you "
            "want."
        )
    if image.mode not in ("RGB", "L", "P"):
        raise UnsupportedColorMode(f"The image has the colour mode {image.mode}: convert it to RGB.")


def _bits(image: Image.Image, path: str) -> int:
    """Bits per channel in the file; Pillow silently reduces 16-bit RGB to 8 bits."""
    if image.format == "PNG":
        with Path(path).open("rb") as file:
            return file.read(PNG_BIT_DEPTH_AT + 1)[-1]
    if image.format == "TIFF":
        bits = image.tag_v2.get(BITS_PER_SAMPLE, 1)  # type: ignore[attr-defined]
        return max(bits) if isinstance(bits, tuple) else int(bits)
    return 8


def _media_type(image: Image.Image) -> str:
    return MEDIA_TYPES["JPEG" if image.format == "MPO" else str(image.format)]


def _class_ids(path: str, known: frozenset[int]) -> Checked:
    with _opened(path) as image:
        if image.format != "PNG":
            raise LabelMapFormat(
                f"The label map is {image.format}, which can change class ids: save it as a PNG with "
                "one channel."
            )
        if image.mode in ALPHA_MODES or "transparency" in image.info:
            raise AlphaChannel(
                "A label map has one channel of class ids: save it without alpha or a transparent colour."
            )
        _check_still(image)
        if image.mode not in LABEL_MODES:
            raise LabelMapMode(
                f"The label map has the colour mode {image.mode}, so its pixels are not class ids: save "
                "one grey or palette channel whose values are positions in the class table."
            )
        image.load()
        unknown = sorted(_values(image, path) - known)
        if unknown:
            raise LabelMapUnknownClass(
                f"The label map contains ids that are not classes: {', '.join(map(str, unknown[:10]))}. "
                "Draw these pixels with a class of the pool's class table or with its ignore index."
            )
        return Checked(_media_type(image), image.width, image.height)


def _values(image: Image.Image, path: str) -> set[int]:
    """The class ids in a loaded label map. The image is not converted, because converting changes the ids."""
    if image.mode == "I;16":
        return set(array("H", image.tobytes()))
    values = [value for value, count in enumerate(image.histogram()) if count]
    # Pillow stretches grey of fewer than 8 bits to 0…255.
    stretch = 1 if image.mode == "P" else 255 // (2 ** _bits(image, path) - 1)
    return {value // stretch for value in values}
