"""Scores of translations into images without classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCES = (5, 10, 16, 20)
Color = tuple[int, int, int]


@dataclass(frozen=True)
class RgbImageScore:
    """One image of an `rgb` pool."""

    name: str
    within: dict[int, float]
    mean_absolute_error: float

    @property
    def score(self) -> float:
        """The score to sort images by: the negative mean absolute error. Higher is better.

        Unlike the shares by tolerance, it also differs between images of which all pixels, or none, are
        within.
        """
        return -self.mean_absolute_error

    def to_json(self) -> dict[str, float]:
        """The scores by name: `within_5` and so on, and `mean_absolute_error`."""
        within = {f"within_{tolerance}": share for tolerance, share in self.within.items()}
        return within | {"mean_absolute_error": self.mean_absolute_error}


@dataclass(frozen=True)
class RgbEvaluation:
    """Scores of an `rgb` pool, each the mean over its images.

    `within[t]` is the share of pixels whose largest channel difference is below t of 255 (§4.2.2). The paper
    reports t = 20, for which a single constant colour can score high: `constant[t]` is the score of an image
    that has the colour `constant_color[t]` everywhere (see `constant_baseline`), or None if no such colour
    was given. `mean_absolute_error` is the mean over channels, in 0 to 255.
    """

    within: dict[int, float]
    mean_absolute_error: float
    constant: dict[int, float] | None
    constant_color: dict[int, Color] | None
    per_image: tuple[RgbImageScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, without `per_image`; the tolerances become strings."""
        colors = self.constant_color
        return {
            "within": _with_string_keys(self.within),
            "mean_absolute_error": self.mean_absolute_error,
            "constant": None if self.constant is None else _with_string_keys(self.constant),
            "constant_color": colors and _with_string_keys({t: list(color) for t, color in colors.items()}),
        }


class RgbTally:
    """Collects the scores of one image after another."""

    def __init__(self, constant_color: Mapping[int, Color] | None) -> None:
        self._constant_color = dict(constant_color) if constant_color else None
        self._constant: list[dict[int, float]] = []
        self._per_image: list[RgbImageScore] = []

    def add(self, name: str, truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> RgbImageScore:
        """Score one image: true and predicted RGB, each (H, W, 3)."""
        difference = np.abs(predicted.astype(np.int16) - truth)
        within = {tolerance: _share(difference, tolerance) for tolerance in TOLERANCES}
        self._per_image.append(RgbImageScore(name, within, float(difference.mean())))
        if self._constant_color:
            self._constant.append(
                {
                    tolerance: _share(np.abs(truth - np.array(color, dtype=np.int16)), tolerance)
                    for tolerance, color in self._constant_color.items()
                }
            )
        return self._per_image[-1]

    def evaluation(self) -> RgbEvaluation:
        """The scores of all images so far."""
        return RgbEvaluation(
            within=_mean([score.within for score in self._per_image]),
            mean_absolute_error=float(np.mean([score.mean_absolute_error for score in self._per_image])),
            constant=_mean(self._constant) if self._constant_color else None,
            constant_color=self._constant_color,
            per_image=tuple(self._per_image),
        )


def _share(difference: NDArray[np.int16], tolerance: int) -> float:
    """The share of pixels (H, W, 3) whose largest channel difference is below the tolerance."""
    return float((difference.max(axis=2) < tolerance).mean())


def _mean(shares: Sequence[Mapping[int, float]]) -> dict[int, float]:
    return {tolerance: float(np.mean([share[tolerance] for share in shares])) for tolerance in shares[0]}


def _with_string_keys(value: Mapping[int, Any]) -> dict[str, Any]:
    return {str(key): entry for key, entry in value.items()}
