"""The best prediction that ignores the photo: one colour everywhere."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.rgb_scores import TOLERANCES, Color
from models.images.photos import read_photo


def constant_baseline(train_targets: Iterable[Path]) -> dict[int, Color]:
    """For each tolerance t, the colour that is right for the most pixels of all training targets.

    A colour is right for a pixel if their largest channel difference is below t. The search over all 256³
    colours is exact; of equally good colours the one with the least red, then green, then blue is taken. It
    needs about 150 MB and a second. ValueError if there are no targets, or if one cannot be read, with its
    name.
    """
    histogram = np.zeros(256**3, dtype=np.int64)
    for path in train_targets:
        red, green, blue = read_photo(path).astype(np.int64).reshape(-1, 3).T
        np.add.at(histogram, (red * 256 + green) * 256 + blue, 1)
    if not histogram.any():
        raise ValueError("the best constant colour is chosen on training targets, and there are none")
    cube = histogram.reshape(256, 256, 256)
    return {tolerance: best_color(cube, tolerance) for tolerance in TOLERANCES}


def best_color(histogram: NDArray[np.int64], tolerance: int) -> Color:
    """The colour that has the most pixels less than `tolerance` away in every channel; histogram (N, N, N).

    These pixels fill a cube around the colour. Its sum is updated from one red value to the next, and
    computed by running sums along green and blue.
    """
    side, reach = len(histogram), tolerance - 1
    slab = histogram[:reach].sum(axis=0)
    most, best = -1, (0, 0, 0)
    for red in range(side):
        if red + reach < side:
            slab += histogram[red + reach]
        if red - reach > 0:
            slab -= histogram[red - reach - 1]
        counts = _windows(_windows(slab, reach).T, reach).T
        green, blue = divmod(int(counts.argmax()), side)
        if counts[green, blue] > most:
            most, best = int(counts[green, blue]), (red, green, blue)
    return best


def _windows(values: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """For each row of `values` (N, N), the sum of the rows from `reach` before it to `reach` after it."""
    rows = np.arange(len(values))
    sums = np.concatenate([np.zeros_like(values[:1]), values.cumsum(axis=0)])
    windows: NDArray[np.int64] = sums[np.minimum(rows + reach + 1, len(values))]
    windows -= sums[np.maximum(rows - reach, 0)]
    return windows
