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

    Without a true pixel there is no accuracy; without a true or predicted one there is no IoU.
    """

    name: str
    accuracy: float | None
    iou: float | None
    pixels: int


@dataclass(frozen=True)
class ImageScore:
    """One image. `mean_iou` is the mean over the classes in its own truth.

    If all pixels of its truth are ignored there is nothing to score, and both scores are None.
    """

    name: str
    pixel_accuracy: float | None
    mean_iou: float | None

    @property
    def score(self) -> float:
        """The number to sort images by: the mean IoU, and 1 if there is none. Higher is better."""
        return 1.0 if self.mean_iou is None else self.mean_iou

    def to_json(self) -> dict[str, float | None]:
        """The scores by name."""
        return {"pixel_accuracy": self.pixel_accuracy, "mean_iou": self.mean_iou}


@dataclass(frozen=True)
class Evaluation:
    """Scores over all pixels that the truth does not ignore; each is a share from 0 to 1, or None if no pixel
    counts.

    In `mean_accuracy` and `mean_iou`, classes absent from the truth count 0, as in the Cityscapes script of
    pix2pix, which the paper follows; `mean_iou_present` is the mean over the classes in the truth only.
    `doubtful_share` is the share of pixels where a second class was almost as good. The last two tell whether
    the model knows where it is wrong (see `models.evaluation.calibration`); they are None if it gives no
    probabilities, or if no pixel counts. `confusion` has the pixels by true class, and in each by predicted
    class.
    """

    pixel_accuracy: float | None
    mean_accuracy: float | None
    mean_iou: float | None
    mean_iou_present: float | None
    doubtful_share: float | None
    per_class: tuple[ClassScore, ...]
    per_image: tuple[ImageScore, ...]
    expected_calibration_error: float | None = None
    errors_in_least_sure: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, without `per_image` and `confusion`."""
        value = asdict(self)
        del value["per_image"], value["confusion"]
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
        pixels = confusion.sum(axis=1)
        mean_iou = _mean(_ious(confusion)[pixels > 0])
        self._per_image.append(ImageScore(name, _ratio(np.trace(confusion), pixels.sum()), mean_iou))
        return self._per_image[-1]

    def evaluation(self) -> Evaluation:
        """The scores of all images so far."""
        confusion = self._confusion
        pixels, ious = confusion.sum(axis=1), _ious(confusion)
        accuracies = np.diag(confusion) / np.maximum(pixels, 1)
        some = bool(pixels.any())
        return Evaluation(
            pixel_accuracy=_ratio(np.trace(confusion), pixels.sum()),
            mean_accuracy=float(accuracies.mean()) if some else None,
            mean_iou=float(ious.mean()) if some else None,
            mean_iou_present=_mean(ious[pixels > 0]),
            doubtful_share=_ratio(self._doubtful, pixels.sum()),
            per_class=tuple(
                ClassScore(
                    name,
                    _ratio(confusion[place, place], pixels[place]),
                    float(ious[place]) if pixels[place] + confusion[:, place].sum() else None,
                    int(pixels[place]),
                )
                for place, name in enumerate(self._table.names)
            ),
            per_image=tuple(self._per_image),
            expected_calibration_error=self._calibration.expected_error(),
            errors_in_least_sure=self._calibration.errors_in_least_sure(),
            confusion=tuple(map(tuple, confusion.tolist())),
        )


def confusion_matrix(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int
) -> NDArray[np.int64]:
    """Pixel counts (classes, classes): rows are the truth, columns the prediction."""
    joint = truth.astype(np.int64) * classes + predicted
    return np.bincount(joint.ravel(), minlength=classes * classes).reshape(classes, classes)


def _ious(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of every class; 0 for a class that neither truth nor prediction has."""
    hits = np.diag(confusion)
    ious: NDArray[np.float64] = hits / np.maximum(confusion.sum(axis=1) + confusion.sum(axis=0) - hits, 1)
    return ious


def _ratio(part: int, whole: int) -> float | None:
    return int(part) / int(whole) if whole else None


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None
