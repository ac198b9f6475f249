"""Whether a model's probabilities can be trusted, and whether its doubt lies where its errors are."""

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of equal width for the expected calibration error, as in Guo et al. 2017."""
LEAST_SURE = 0.2
"""The share of the pixels, those with the lowest probability of their predicted class, whose errors are
counted."""
_FINE = 1000  # fine bins in each bin: so many tell the order of the pixels well enough


class CalibrationTally:
    """Counts pixels by the probability of their predicted class, image after image."""

    def __init__(self) -> None:
        self._pixels = np.zeros(BINS * _FINE, np.int64)
        self._right = np.zeros(BINS * _FINE, np.int64)
        self._confidence = np.zeros(BINS * _FINE)

    def add(self, confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> None:
        """Count pixels (N,): the probability of the predicted class, and whether that class is true."""
        count = len(self._pixels)
        place = np.minimum((confidence * count).astype(np.intp), count - 1)
        self._pixels += np.bincount(place, minlength=count)
        self._right += np.bincount(place[right], minlength=count)
        self._confidence += np.bincount(place, confidence, minlength=count)

    def expected_error(self) -> float | None:
        """The expected calibration error (Guo et al. 2017): the mean over all pixels of the difference of
        mean probability and share of right pixels in their bin. None without pixels.
        """
        pixels = self._pixels.sum()
        if not pixels:
            return None
        gaps = (self._confidence - self._right).reshape(BINS, _FINE).sum(axis=1)
        return float(np.abs(gaps).sum() / pixels)

    def errors_in_least_sure(self) -> float | None:
        """The share of all errors that the least sure fifth of the pixels holds; None without an error.

        A fifth, 0.2, is the share of a model whose probabilities tell nothing.
        """
        errors = np.cumsum(self._pixels - self._right)
        if not errors[-1]:
            return None
        pixels = np.cumsum(self._pixels)
        within = np.interp(LEAST_SURE * pixels[-1], np.append(0, pixels), np.append(0, errors))
        return float(within / errors[-1])
