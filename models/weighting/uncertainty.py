"""Uncertainty: images for which a trained model is unsure count more."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.images.photos import read_photo
from models.translation.translator import Translator

SIDE = 256
"""Side, in pixels, of the label maps in which pixels are counted, so that photos of any size
compare.
"""

DIVERSITY = 0.5
"""The part of every weight that is the same for all images, whatever the model predicts."""


def uncertainty(translator: Translator, photos: Iterable[Path]) -> npt.NDArray[np.float64]:
    """How unsure the model is of the label map that it predicts for each photo, (N,) in [0, 1].

    If its probabilities are calibrated, it is the share of pixels that it expects to be wrong: the mean of
    1 − the probability of the predicted class. Otherwise it is the share of doubtful pixels: where a second
    class is almost as good (see `models.images.palette.DOUBTFUL_RATIO`). Raises ValueError for a model
    without classes, and for a photo that cannot be read, with its name.
    """
    if translator.class_table is None:
        raise ValueError(
            "This model predicts images without classes, so it cannot tell where it is uncertain: "
            "select without a model."
        )
    return np.array([_doubt(translator, photo) for photo in photos])


def _doubt(translator: Translator, photo: Path) -> float:
    translation = translator.translate(read_photo(photo), (SIDE, SIDE))
    if translator.calibrated:
        assert translation.confidence is not None
        return 1 - float(translation.confidence.mean(dtype=np.float64))
    assert translation.doubtful is not None
    return float(translation.doubtful.mean())


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
