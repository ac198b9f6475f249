"""The paper's photos → labels (§4.1.2) and satellite → map (§4.2.2) evaluation protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.palette import ClassTable
from models.photos import read_label_map, read_photo
from models.translation import Translator

TOLERANCES = (5, 10, 16, 20)


@dataclass(frozen=True)
class EvaluationItem:
    """A photo and its true label map; for an `rgb` pool its true image."""

    name: str
    photo: Path
    label_map: Path


@dataclass(frozen=True)
class ClassScore:
    """One class: its share of true pixels found, intersection over union, and true pixels."""

    name: str
    accuracy: float
    iou: float
    pixels: int


@dataclass(frozen=True)
class ImageScore:
    """One image. `mean_iou` is over the classes in its own truth."""

    name: str
    pixel_accuracy: float
    mean_iou: float


@dataclass(frozen=True)
class Evaluation:
    """Scores over all pixels that the truth does not ignore; each is a share from 0 to 1.

    In `mean_accuracy` and `mean_iou` classes absent from the truth count 0, as in the Cityscapes script of
    pix2pix that the paper follows; `mean_iou_present` is over the classes in the truth only.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    mean_iou_present: float
    doubtful_share: float
    per_class: tuple[ClassScore, ...]
    per_image: tuple[ImageScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers."""
        return asdict(self)


@dataclass(frozen=True)
class RgbImageScore:
    """One image of an `rgb` pool."""

    name: str
    within: dict[int, float]
    mean_absolute_error: float


@dataclass(frozen=True)
class RgbEvaluation:
    """Scores of an `rgb` pool, each the mean over its images.

    `within[t]` is the share of pixels whose largest channel difference is below t of 255. The paper reports
    t = 20, on which one constant colour can score high. `mean_absolute_error` is over channels, in 0 to 255.
    """

    within: dict[int, float]
    mean_absolute_error: float
    per_image: tuple[RgbImageScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers; the tolerances become strings."""
        value = asdict(self)
        for scores in (value, *value["per_image"]):
            scores["within"] = {str(tolerance): share for tolerance, share in scores["within"].items()}
        return value


def evaluate(
    translator: Translator,
    items: Iterable[EvaluationItem],
    on_image: Callable[[str], None] | None = None,
) -> Evaluation | RgbEvaluation:
    """Translate every photo at its truth's size and compare.

    `on_image` is called with each item's name when it is done. ValueError when there are no items, or names
    the label map that cannot be scored.
    """
    table = translator.class_table
    scores = _RgbScores() if table is None else _ClassScores(table)
    for item in items:
        scores.add(translator, item)
        if on_image:
            on_image(item.name)
    if not scores.per_image:
        raise ValueError("there is nothing to evaluate: no test image has a label map")
    return scores.evaluation()


class _ClassScores:
    def __init__(self, table: ClassTable) -> None:
        self._table = table
        self._confusion = np.zeros((len(table.names), len(table.names)), dtype=np.int64)
        self._doubtful = 0
        self.per_image: list[ImageScore] = []

    def add(self, translator: Translator, item: EvaluationItem) -> None:
        truth = read_label_map(item.label_map)
        try:
            self._table.check(truth)
        except ValueError as error:
            raise ValueError(f"label map {item.label_map.name}: {error}") from error
        rgb = translator.draw(read_photo(item.photo), (truth.shape[0], truth.shape[1]))
        predicted, doubtful = self._table.decode_with_doubt(rgb)
        counted = truth != self._table.ignore
        confusion = confusion_matrix(truth[counted], predicted[counted], len(self._table.names))
        self._confusion += confusion
        self._doubtful += int(doubtful[counted].sum())
        self.per_image.append(ImageScore(item.name, _pixel_accuracy(confusion), _ious(confusion)[1]))

    def evaluation(self) -> Evaluation:
        confusion = self._confusion
        ious, mean_iou_present = _ious(confusion)
        pixels = confusion.sum(axis=1)
        accuracies = _ratio(np.diag(confusion), pixels)
        return Evaluation(
            pixel_accuracy=_pixel_accuracy(confusion),
            mean_accuracy=float(accuracies.mean()),
            mean_iou=float(ious.mean()),
            mean_iou_present=mean_iou_present,
            doubtful_share=self._doubtful / max(1, int(pixels.sum())),
            per_class=tuple(
                ClassScore(name, float(accuracy), float(iou), int(count))
                for name, accuracy, iou, count in zip(
                    self._table.names, accuracies, ious, pixels, strict=True
                )
            ),
            per_image=tuple(self.per_image),
        )


class _RgbScores:
    def __init__(self) -> None:
        self.per_image: list[RgbImageScore] = []

    def add(self, translator: Translator, item: EvaluationItem) -> None:
        truth = read_photo(item.label_map)
        rgb = translator.draw(read_photo(item.photo), (truth.shape[0], truth.shape[1]))
        difference = np.abs(rgb.astype(np.int16) - truth)
        within = {tolerance: float((difference.max(axis=2) < tolerance).mean()) for tolerance in TOLERANCES}
        self.per_image.append(RgbImageScore(item.name, within, float(difference.mean())))

    def evaluation(self) -> RgbEvaluation:
        return RgbEvaluation(
            within={
                tolerance: float(np.mean([score.within[tolerance] for score in self.per_image]))
                for tolerance in TOLERANCES
            },
            mean_absolute_error=float(np.mean([score.mean_absolute_error for score in self.per_image])),
            per_image=tuple(self.per_image),
        )


def confusion_matrix(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int
) -> NDArray[np.int64]:
    """Pixel counts (classes, classes): rows are the truth, columns the prediction."""
    joint = truth.astype(np.int64) * classes + predicted
    return np.bincount(joint.ravel(), minlength=classes * classes).reshape(classes, classes)


def _pixel_accuracy(confusion: NDArray[np.int64]) -> float:
    return float(np.trace(confusion)) / max(1, int(confusion.sum()))


def _ious(confusion: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Intersection over union of every class, and its mean over those in the truth."""
    pixels = confusion.sum(axis=1)
    hits = np.diag(confusion)
    ious = _ratio(hits, pixels + confusion.sum(axis=0) - hits)
    return ious, float(ious[pixels > 0].mean()) if pixels.any() else 0.0


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return part / np.maximum(whole, 1)
