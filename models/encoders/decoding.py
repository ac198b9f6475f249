"""Reads photo files as the encoders take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch.nn.functional import interpolate

from models.encoders.networks import PHOTO_SIZE, Photos

ORIENTATION = ExifTags.Base.Orientation


@dataclass(frozen=True)
class Failure:
    """A file that could not be embedded: its index among the paths, and why."""

    index: int
    reason: str


def read_photo(path: Path) -> Photos:
    """The whole photo, upright by its EXIF orientation, as RGB uint8 (256, 256, 3); bilinear, antialiased.

    Raises what Pillow raises for a file that it cannot decode.
    """
    with Image.open(path) as image:
        # A large JPEG is decoded at a fraction of its size that still leaves two pixels for one.
        image.draft("RGB", (2 * PHOTO_SIZE, 2 * PHOTO_SIZE))
        photo = np.array(image if image.mode == "RGB" else image.convert("RGB"))
        orientation = image.getexif().get(ORIENTATION, 1)
    # PyTorch resizes as Pillow does, up to one grey level, in a quarter of the time.
    photo_NCHW = torch.from_numpy(photo)[None].permute(0, 3, 1, 2)
    square_NCHW = interpolate(photo_NCHW, (PHOTO_SIZE, PHOTO_SIZE), mode="bilinear", antialias=True)
    square: Photos = square_NCHW[0].permute(1, 2, 0).numpy()
    # Turning the square is turning the photo, and costs less.
    return square if orientation == 1 else _turned(square, orientation)


def _turned(square: Photos, orientation: int) -> Photos:
    image = Image.fromarray(square)
    image.getexif()[ORIENTATION] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


def empty_photos(count: int) -> Photos:
    """Room for `count` photos: uint8 (count, 256, 256, 3)."""
    return np.empty((count, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)


def read_into(photos: Photos, paths: Sequence[Path]) -> list[Failure]:
    """Read each file into its place in `photos`, (N, 256, 256, 3), but for those that are no photos.

    Raises what is the machine's fault: MemoryError, and OSError of a file that cannot be read at all.
    """
    failures = []
    for index, path in enumerate(paths):
        try:
            photos[index] = read_photo(path)
        except Exception as error:  # A damaged file raises whatever its format's parser trips over.
            if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
                raise
            failures.append(Failure(index, f"{type(error).__name__}: {error}"))
    return failures
