"""Uncertainty: images for which a trained model is unsure count more."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.images.photos import read_photo
from models.translation.translator import Translator

SIDE = 256
"""Side, in pixels, of the label maps in which doubtful pixels are counted, so that photos of any size
compare.
"""

DIVERSITY = 0.5
"""The part of every weight that is the same for all images, whatever the model predicts."""


def uncertainty(
    translator: Translator,
    photos: Sequence[Path],
    on_progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """The share of doubtful pixels in the label map that the model predicts for each photo, (N,) in [0, 1].

    A pixel is doubtful if a second class is almost as good (see `models.images.palette.DOUBTFUL_RATIO`).
    `on_progress(done, total)` is called after every photo; an exception that it raises ends the work. Raises
    ValueError for a model without classes, and for a photo that cannot be read, with its name.
    """
    if translator.class_table is None:
        raise ValueError(
            "This model predicts images without classes, so it cannot tell where it is uncertain: "
            "select without a model."
        )
    scores = np.empty(len(photos))
    for place, photo in enumerate(photos):
        doubtful = translator.translate(read_photo(photo), (SIDE, SIDE)).doubtful
        assert doubtful is not None  # as there is a class table
        scores[place] = doubtful.mean()
        if on_progress is not None:
            on_progress(place + 1, len(photos))
    return scores


def uncertainty_weights(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """How much each image should count, (N,), with mean 1: ½ + ½ · score / mean score.

    The uncertainty alone would pick odd images that resemble each other. So half of all weight is spread
    evenly over the pool, and a selection by these weights still covers it. If all scores are 0, all weights
    are 1. Raises ValueError for scores that are negative or not finite.
    """
    scores = np.asarray(scores, np.float64)
    if not (np.isfinite(scores) & (scores >= 0)).all():
        raise ValueError("Uncertainty scores must be finite and not negative.")
    if not scores.any():
        return np.ones(len(scores))
    weights: npt.NDArray[np.float64] = DIVERSITY + (1 - DIVERSITY) * scores / scores.mean()
    return weights
