"""Photos as people see them: upright and in RGB, whatever way a file stores them.

Whatever looks at photos does it through here, also the service and the command line. It needs Pillow alone.
"""

import io
from contextlib import suppress

from PIL import ExifTags, Image, ImageCms

MAX_PIXELS = 250_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit is lower
ORIENTATION = ExifTags.Base.Orientation
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


def as_seen(image: Image.Image) -> Image.Image:
    """The photo in RGB, turned and mirrored as its EXIF orientation says."""
    return turned(in_rgb(image), orientation(image))


def size_as_seen(image: Image.Image) -> tuple[int, int]:
    """Width and height of the upright photo, in pixels."""
    sideways = orientation(image) in _SIDEWAYS
    return (image.height, image.width) if sideways else (image.width, image.height)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of the pixels, 1 to 8; 1 (upright) if the file has none that can be read."""
    image.load()  # Pillow turns TIFFs itself when it loads them
    try:
        noted = image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged notes raise whatever their parser trips over, and the photo may be whole
        return 1
    return noted if noted in _TURNS else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned and mirrored as this EXIF orientation says."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def in_rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, without its alpha channel.

    CMYK and Lab are converted by the embedded colour profile, or as Pillow does if there is none that fits.
    RGB and grey stay as they are: trainings and encoders take them without a profile.
    """
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("CMYK", "LAB"):
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            assert converted
            return converted
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB") if image.mode != "RGB" else image


_SRGB = ImageCms.createProfile("sRGB")
