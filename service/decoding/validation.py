"""Check photos. These functions run in the processes of `service.decoding.decoders`.

Every image is decoded completely: its header and Pillow's `verify()` also accept truncated files.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from service.http.problems import (
    AlphaChannel,
    AnimatedImage,
    ExifRotated,
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
    with opened(path) as image:
        check_still(image)
        _check_colours(image, path)
        if image.getexif().get(ORIENTATION, 1) > 1:
            raise ExifRotated(
                "The file stores the photo rotated and notes this in EXIF. Many programs ignore the note, so "
                "photo and label map would not match. Save the photo upright, for example with "
                "ImageOps.exif_transpose or `mogrify -auto-orient`."
            )
        image.load()
        return Checked(media_type(image), image.width, image.height)


def thumbnail(path: str, side: int) -> bytes:
    """Make a JPEG of the image, at most `side` pixels wide and high."""
    with opened(path) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        content = io.BytesIO()
        image.convert("RGB").save(content, "JPEG", quality=85)
        return content.getvalue()


@contextmanager
def opened(path: str) -> Iterator[Image.Image]:
    """Open the file; any failure to open or decode it becomes a Problem."""
    is_open = False
    try:
        with Image.open(path, formats=[*MEDIA_TYPES, "GIF"]) as image:
            is_open = True
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
        kind = TruncatedImage if is_open else NotAnImage
        raise kind(
            f"The image cannot be decoded ({error}): copy the whole file again, or save it again."
        ) from None


def _unidentified(path: str) -> NotAnImage | UnsupportedFormat:
    try:
        with Image.open(path) as image:
            return UnsupportedFormat(f"The file is {image.format}. {TAKEN}")
    except Exception:
        return NotAnImage(f"The file is not an image of a known format, whatever its name says. {TAKEN}")


def check_still(image: Image.Image) -> None:
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
    if image.mode in DEEP_MODES or bits(image, path) > 8:
        raise UnsupportedBitDepth(
            "The image does not have 8 bits per channel: convert it to 8 bits, with the contrast that you "
            "want."
        )
    if image.mode not in ("RGB", "L", "P"):
        raise UnsupportedColorMode(f"The image has the colour mode {image.mode}: convert it to RGB.")


def bits(image: Image.Image, path: str) -> int:
    """Bits per channel in the file; Pillow silently reduces 16-bit RGB to 8 bits."""
    if image.format == "PNG":
        with Path(path).open("rb") as file:
            return file.read(PNG_BIT_DEPTH_AT + 1)[-1]
    if image.format == "TIFF":
        stored = image.tag_v2.get(BITS_PER_SAMPLE, 1)  # type: ignore[attr-defined]
        return max(stored) if isinstance(stored, tuple) else int(stored)
    return 8


def media_type(image: Image.Image) -> str:
    return MEDIA_TYPES["JPEG" if image.format == "MPO" else str(image.format)]
