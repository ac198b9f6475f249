"""Check photos. These functions run in the processes of `service.decoding.decoders`.

Every image is decoded completely: its header and Pillow's `verify()` also accept truncated files.
"""

import io
import warnings
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from models.images.seen import as_seen, size_as_seen
from service.decoding import deadline
from service.decoding.formats import TAKEN, check_not_raw, unread
from service.decoding.mistaken import NO_VALUES, Value, check_no_label_map
from service.http.problems import (
    AnimatedImage,
    NotAnImage,
    Problem,
    TooManyPixels,
    TransparentImage,
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
    "AVIF": "image/avif",
}
BITS_PER_SAMPLE = 258
PNG_BIT_DEPTH_AT = 24
ALPHA_MODES = {"RGBA", "LA", "PA"}
PHOTO_MODES = {"RGB", "L", "P", "RGBX", "CMYK", "LAB", "YCbCr"} | ALPHA_MODES


@dataclass(frozen=True)
class Checked:
    """An accepted file; `width` and `height` are those of the upright image."""

    media_type: str
    width: int
    height: int


def limit_pixels(most: int) -> None:
    """From now on refuse larger images as soon as their header is read, before any pixel is decoded."""
    Image.MAX_IMAGE_PIXELS = most
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread takes memory of its own
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def photo(path: str, values: Set[Value] = NO_VALUES) -> Checked:
    """Accept a photo with 8 bits per channel that is transparent nowhere, and no label map of these numbers
    or colours of classes. Raises a Problem.
    """
    with opened(path) as image:
        check_still(image)
        _check_depth(image, path)
        image.load()
        _check_opaque(image)
        check_no_label_map(image, values)
        return Checked(media_type(image), *size_as_seen(image))


def image(path: str) -> Checked:
    """Accept any image of a known format that can be decoded. Raises a Problem."""
    with opened(path) as found:
        check_still(found)
        found.load()
        return Checked(media_type(found), found.width, found.height)


def thumbnail(path: str, side: int) -> bytes:
    """Make a JPEG of the image as it is seen, at most `side` pixels wide and high."""
    with opened(path) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        content = io.BytesIO()
        as_seen(image).save(content, "JPEG", quality=85)
        return content.getvalue()


def colored(path: str, side: int, colors: bytes | None) -> bytes:
    """Make a PNG of a label map, at most `side` pixels wide and high, without mixing classes. `colors` are
    three bytes for each of its 256 values; None: it is an RGB image.
    """
    with opened(path) as image:
        content = io.BytesIO()
        image.thumbnail((side, side), Image.Resampling.NEAREST if colors else Image.Resampling.BICUBIC)
        if colors:
            image.putpalette(colors)
        image.save(content, "PNG")
        return content.getvalue()


@contextmanager
def opened(path: str) -> Iterator[Image.Image]:
    """Open the file; any failure to open or decode it becomes a Problem."""
    is_open = False
    check_not_raw(path)
    try:
        with Image.open(path, formats=[*MEDIA_TYPES, "GIF"]) as image:
            is_open = True
            deadline.allow(deadline.of_image(image.width * image.height))
            yield image
    except UnidentifiedImageError:
        raise unread(path) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise TooManyPixels(
            f"The image has more than {Image.MAX_IMAGE_PIXELS:,} pixels: scale it down."
        ) from None
    except MemoryError:
        raise UndecodableImage(
            "Decoding the file takes more memory than its size allows: save it again, for example as PNG."
        ) from None
    except Problem:
        raise
    except Exception as error:  # Pillow raises whatever its code meets in a damaged file
        kind = TruncatedImage if is_open else NotAnImage
        raise kind(
            f"The image is incomplete or damaged ({error}): copy the whole file again, or save it again."
        ) from None


def check_still(image: Image.Image) -> None:
    # An MPO from a phone is a JPEG with more views after the photo; its first picture is the photo.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise AnimatedImage("The file contains several pictures: save the one you want as a separate file.")
    if image.format == "GIF":
        raise UnsupportedFormat(f"The file is GIF, which reduces photos to 256 colours. {TAKEN}")


def _check_depth(image: Image.Image, path: str) -> None:
    depth = 1 if image.mode == "1" else bits(image, path)
    if depth != 8 and image.mode not in ("L", "P"):
        stretch = (
            "`fewpairs upload FOLDER --stretch 1,99` does it while it sends photos (the 1st percentile of a "
            "photo's pixels becomes black and the 99th white), or "
        )
        raise UnsupportedBitDepth(
            f"The image does not have 8 bits per channel but {depth}: convert it. "
            f"{stretch if 8 < depth <= 16 else 'For example, '}`magick IN -auto-level PNG24:OUT.png`."
        )
    if image.mode not in PHOTO_MODES:
        raise UnsupportedColorMode(f"The image has the colour mode {image.mode}: convert it to RGB.")


def _check_opaque(image: Image.Image) -> None:
    if image.mode not in ALPHA_MODES and "transparency" not in image.info:
        return
    alpha = (image if image.mode in ("RGBA", "LA") else image.convert("RGBA")).getchannel("A")
    pixels = image.width * image.height
    if clear := pixels - alpha.histogram()[255]:
        raise TransparentImage(
            f"The image is transparent in {clear:,} of its {pixels:,} pixels, and networks need a colour in "
            "each: fill them, for example with `magick IN -background white -flatten OUT.png`."
        )


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
