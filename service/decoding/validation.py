"""What photos and label maps are accepted. These functions run in `service.decoding.decoders`' processes.

Every image is decoded whole: a header, and Pillow's `verify()`, accept files that are cut off.
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
    """Refuse larger images from here on when their header is read, before a pixel is decoded."""
    Image.MAX_IMAGE_PIXELS = most
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def photo(path: str) -> Checked:
    """An upright 8-bit RGB or grey photo, or a palette PNG, without transparency. Raises a Problem."""
    with _opened(path) as image:
        _check_still(image)
        _check_colours(image, path)
        if image.getexif().get(ORIENTATION, 1) > 1:
            raise ExifRotated(
                "The file stores the photo turned and says so in EXIF, which half of all programs overlook, "
                "so that photo and label map would disagree. Save it upright, e.g. with "
                "ImageOps.exif_transpose or `mogrify -auto-orient`."
            )
        image.load()
        return Checked(_media_type(image), image.width, image.height)


def label_map(path: str, known: frozenset[int] | None, size: tuple[int, int] | None) -> Checked:
    """A PNG of class ids, all of them in `known`; or, without class ids, an RGB image. Raises a Problem.

    `size`: (width, height) it has to have.
    """
    checked = photo(path) if known is None else _class_ids(path, known)
    if size and (checked.width, checked.height) != size:
        raise LabelMapSize(
            f"The label map is {checked.width}×{checked.height} and its image {size[0]}×{size[1]}: "
            "label the image at its own size."
        )
    return checked


def thumbnail(path: str, side: int) -> bytes:
    """A JPEG of the image, at most `side` wide and high."""
    with _opened(path) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        content = io.BytesIO()
        image.convert("RGB").save(content, "JPEG", quality=85)
        return content.getvalue()


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    """Any failure to open or decode the file becomes a Problem."""
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
            "Decoding the file takes more memory than a photo of its size should: save it anew, e.g. as PNG."
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
            f"The image cannot be decoded ({error}): copy the whole file again, or save it anew."
        ) from None


def _unidentified(path: str) -> NotAnImage | UnsupportedFormat:
    try:
        with Image.open(path) as image:
            return UnsupportedFormat(f"The file is {image.format}. {TAKEN}")
    except Exception:
        return NotAnImage(f"The file is no image of any known format, whatever its name ends in. {TAKEN}")


def _check_still(image: Image.Image) -> None:
    # A phone's MPO is a JPEG with extra views behind the photo; its first picture is the photo.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise AnimatedImage("The file holds several pictures: save the one you mean as a file of its own.")
    if image.format == "GIF":
        raise UnsupportedFormat(f"The file is GIF, which reduces photos to 256 colours. {TAKEN}")


def _check_colours(image: Image.Image, path: str) -> None:
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        raise AlphaChannel(
            "The image is partly transparent, which no network here understands: save it without alpha."
        )
    if image.mode in DEEP_MODES or _bits(image, path) > 8:
        raise UnsupportedBitDepth(
            "The image does not have 8 bits per channel: convert it to 8 bits, with the contrast you "
            "want to see."
        )
    if image.mode not in ("RGB", "L", "P"):
        raise UnsupportedColorMode(f"The image's colours are {image.mode}: convert it to RGB.")


def _bits(image: Image.Image, path: str) -> int:
    """Bits per channel in the file; Pillow reduces 16-bit RGB to 8 without a word."""
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
                "A label map has one channel of class ids: save it without alpha or transparent colour."
            )
        _check_still(image)
        if image.mode not in LABEL_MODES:
            raise LabelMapMode(
                f"The label map's pixels are {image.mode}, not class ids: save one grey or palette channel "
                "whose values are positions in the class table."
            )
        image.load()
        unknown = sorted(_values(image, path) - known)
        if unknown:
            raise LabelMapUnknownClass(
                f"The label map holds ids that are no class: {', '.join(map(str, unknown[:10]))}. "
                "Draw those pixels with a class of the pool's class table or its ignore index."
            )
        return Checked(_media_type(image), image.width, image.height)


def _values(image: Image.Image, path: str) -> set[int]:
    """The class ids in a loaded label map, without converting it: converting changes them."""
    if image.mode == "I;16":
        return set(array("H", image.tobytes()))
    values = [value for value, count in enumerate(image.histogram()) if count]
    # Pillow stretches grey of fewer than 8 bits to 0…255.
    stretch = 1 if image.mode == "P" else 255 // (2 ** _bits(image, path) - 1)
    return {value // stretch for value in values}
