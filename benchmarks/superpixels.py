"""Superpixels as the painter has them (`web/src/painter/slic.ts`), but not made connected."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROUNDS, COMPACTNESS = 6, 12.0


def segments(photo: NDArray[np.uint8], wanted: int) -> NDArray[np.int32]:
    """The segment of every pixel of an RGB photo (H, W, 3), about `wanted` of them (SLIC, Achanta et al.
    2012): k-means of colour and place, looking only at the nine nearest places of a grid.
    """
    height, width = photo.shape[:2]
    step = max(2.0, np.sqrt(height * width / wanted))
    down, across = max(1, round(height / step)), max(1, round(width / step))
    rows, columns = np.indices((height, width))
    lab = np.asarray(Image.fromarray(photo).convert("LAB"), np.float32)
    lab = lab * np.array([100 / 255, 1, 1], np.float32)
    weight = COMPACTNESS / step
    pixels = np.dstack([lab, columns * weight, rows * weight]).reshape(-1, 5)
    home_down, home_right = rows.ravel() * down // height, columns.ravel() * across // width
    nearest = home_down * across + home_right
    for _ in range(ROUNDS):
        counts = np.maximum(np.bincount(nearest, minlength=down * across), 1)
        sums = [np.bincount(nearest, pixels[:, axis], down * across) for axis in range(5)]
        centres = np.stack(sums, axis=1) / counts[:, None]
        best = np.full(len(pixels), np.inf)
        for shift_down in (-1, 0, 1):
            for shift_right in (-1, 0, 1):
                at_down = np.clip(home_down + shift_down, 0, down - 1)
                at_right = np.clip(home_right + shift_right, 0, across - 1)
                cluster = at_down * across + at_right
                far = ((pixels - centres[cluster]) ** 2).sum(axis=1)
                closer = far < best
                best[closer], nearest[closer] = far[closer], cluster[closer]
    found: NDArray[np.int32] = nearest.reshape(height, width).astype(np.int32)
    return found
