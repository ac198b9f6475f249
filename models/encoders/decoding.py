"""Reads photo files as the squares that encoders take."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from models.encoders.networks import PHOTO_SIZE, Photos
from models.images.photos import decode_photo, upright


@dataclass(frozen=True)
class Failure:
    """A file that could not be embedded: its index in the list of paths, and the reason."""

    index: int
    reason: str


def read_square(path: Path) -> Photos:
    """The whole photo, upright, as RGB uint8 (256, 256, 3), resized by bilinear interpolation, antialiased.

    Raises as `models.images.photos.read_photo` does.
    """
    # A draft of twice the side changes the square by less than 0.3 grey levels on average.
    photo, orientation = decode_photo(path, least_side=2 * PHOTO_SIZE)
    # PyTorch resizes as Pillow does, up to one grey level, in a quarter of the time.
    photo_NCHW = torch.from_numpy(photo)[None].permute(0, 3, 1, 2)
    square_NCHW = interpolate(photo_NCHW, (PHOTO_SIZE, PHOTO_SIZE), mode="bilinear", antialias=True)
    # Turning the small square instead of the large photo gives the same and costs less.
    return upright(square_NCHW[0].permute(1, 2, 0).numpy(), orientation)


def empty_photos(count: int) -> Photos:
    """An uninitialised array for `count` photos: uint8 (count, 256, 256, 3)."""
    return np.empty((count, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)


def read_into(photos: Photos, paths: Sequence[Path]) -> list[Failure]:
    """Read each file into its place in `photos`, (N, 256, 256, 3), and return the files that are no photos.

    Raises what is the machine's fault: MemoryError, and OSError for a file that cannot be read at all.
    """
    failures = []
    for index, path in enumerate(paths):
        try:
            photos[index] = read_square(path)
        except ValueError as error:
            failures.append(Failure(index, f"it {str(error).removeprefix(path.name).strip()}"))
    return failures
