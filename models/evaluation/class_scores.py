"""Scores of predicted label maps."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.calibration import CalibrationTally
from models.images.palette import ClassTable


@dataclass(frozen=True)
class ClassScore:
    """One class: the share of its true pixels that were found, the intersection over union, and its true
    pixels.
    """

    name: str
    accuracy: float
    iou: float
    pixels: int


@dataclass(frozen=True)
class ImageScore:
    """One image. `mean_iou` is the mean over the classes in its own truth.

    If all pixels of its truth are ignored, nothing can be wrong, and both scores are 1.
    """

    name: str
    pixel_accuracy: float
    mean_iou: float

    @property
    def score(self) -> float:
        """The score to sort images by: the mean IoU. Higher is better."""
        return self.mean_iou

    def to_json(self) -> dict[str, float]:
        """The scores by name."""
        return {"pixel_accuracy": self.pixel_accuracy, "mean_iou": self.mean_iou}


@dataclass(frozen=True)
class Evaluation:
    """Scores over all pixels that the truth does not ignore; each is a share from 0 to 1.

    In `mean_accuracy` and `mean_iou`, classes absent from the truth count 0, as in the Cityscapes script of
    pix2pix, which the paper follows; `mean_iou_present` is the mean over the classes in the truth only.
    `doubtful_share` is the share of pixels where a second class was almost as good. The last two tell whether
    the model knows where it is wrong (see `models.evaluation.calibration`); they are None if it gives no
    probabilities, or if no pixel counts.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    mean_iou_present: float
    doubtful_share: float
    per_class: tuple[ClassScore, ...]
    per_image: tuple[ImageScore, ...]
    expected_calibration_error: float | None = None
    errors_in_least_sure: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, without `per_image`."""
        value = asdict(self)
        del value["per_image"]
        return value | {"per_class": list(value["per_class"])}


class ClassTally:
    """Counts the pixels of one image after another."""

    def __init__(self, table: ClassTable) -> None:
        self._table = table
        self._confusion = np.zeros((len(table.names), len(table.names)), dtype=np.int64)
        self._doubtful = 0
        self._calibration = CalibrationTally()
        self._per_image: list[ImageScore] = []

    def add(
        self,
        name: str,
        truth: NDArray[np.uint8],
        predicted: NDArray[np.uint8],
        doubtful: NDArray[np.bool_],
        confidence: NDArray[np.float32] | None = None,
    ) -> ImageScore:
        """Count one image: true classes, predicted classes, a mask of doubtful pixels and, if the model gives
        it, the probability of the predicted class, each (H, W).
        """
        counted = truth != self._table.ignore
        confusion = confusion_matrix(truth[counted], predicted[counted], len(self._table.names))
        self._confusion += confusion
        self._doubtful += int(doubtful[counted].sum())
        if confidence is not None:
            self._calibration.add(confidence[counted], (truth == predicted)[counted])
        scores = (_pixel_accuracy(confusion), _ious(confusion)[1]) if counted.any() else (1.0, 1.0)
        self._per_image.append(ImageScore(name, *scores))
        return self._per_image[-1]

    def evaluation(self) -> Evaluation:
        """The scores of all images so far."""
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
            per_image=tuple(self._per_image),
            expected_calibration_error=self._calibration.expected_error(),
            errors_in_least_sure=self._calibration.errors_in_least_sure(),
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
    """Intersection over union of every class, and the mean over the classes in the truth."""
    pixels = confusion.sum(axis=1)
    hits = np.diag(confusion)
    ious = _ratio(hits, pixels + confusion.sum(axis=0) - hits)
    return ious, float(ious[pixels > 0].mean()) if pixels.any() else 0.0


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return part / np.maximum(whole, 1)
