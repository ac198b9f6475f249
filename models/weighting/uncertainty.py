"""Uncertainty: images for which a trained model is unsure count more."""

from collections.abc import Iterable
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


def uncertainty(translator: Translator, photos: Iterable[Path]) -> npt.NDArray[np.float64]:
    """The share of doubtful pixels in the label map that the model predicts for each photo, (N,) in [0, 1].

    A pixel is doubtful if a second class is almost as good (see `models.images.palette.DOUBTFUL_RATIO`).
    Raises ValueError for a model without classes, and for a photo that cannot be read, with its name.
    """
    if translator.class_table is None:
        raise ValueError(
            "This model predicts images without classes, so it cannot tell where it is uncertain: "
            "select without a model."
        )
    masks = (translator.translate(read_photo(photo), (SIDE, SIDE)).doubtful for photo in photos)
    return np.array([mask.mean() for mask in masks if mask is not None])


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
