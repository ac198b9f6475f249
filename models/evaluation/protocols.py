"""The evaluation protocols: which images are translated, at which size, and how the results are compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.catalog import LABELS_TO_PHOTOS
from models.evaluation.class_scores import ClassTally, Evaluation, ImageScore
from models.evaluation.rgb_scores import Color, RgbEvaluation, RgbImageScore, RgbTally
from models.images.palette import ClassTable
from models.images.photos import read_label_map, read_photo
from models.translation.translator import Translator


@dataclass(frozen=True)
class EvaluationItem:
    """A photo and its true label map, or its true image in an `rgb` pool."""

    name: str
    photo: Path
    label_map: Path


OnImage = Callable[[str, NDArray[np.uint8], ImageScore | RgbImageScore], object]
"""Called after every image with its name, the evaluated model's prediction, and its scores.

The prediction is a label map (H, W), or, in an `rgb` pool and for labels → photos, an RGB image (H, W, 3).
"""


def evaluate(
    translator: Translator,
    items: Iterable[EvaluationItem],
    on_image: OnImage = lambda *_: None,
    constant_color: Mapping[int, Color] | None = None,
    test_time: str = "none",
) -> Evaluation | RgbEvaluation:
    """Evaluate photos → labels (§4.1.2) or photos → images without classes (§4.2.2): translate each photo,
    resize the result to the truth's size, and compare.

    `constant_color` is the `constant_baseline` of the training targets, which is scored in addition to a
    model of an `rgb` pool. `test_time` is `Translator.translate`'s. ValueError if there are no items, if a
    label map cannot be scored, with its name, or if the model cannot do what `test_time` says.
    """
    translator.check(test_time)
    if translator.class_table is None:
        return _evaluate_rgb(translator, items, on_image, constant_color)
    tally = ClassTally(translator.class_table)
    for item in _at_least_one(items):
        truth = _read_truth(item, translator.class_table)
        found = translator.translate(read_photo(item.photo), (truth.shape[0], truth.shape[1]), test_time)
        assert found.label_map is not None
        assert found.doubtful is not None
        score = tally.add(item.name, truth, found.label_map, found.doubtful, found.confidence)
        on_image(item.name, found.label_map, score)
    return tally.evaluation()


def evaluate_photos(
    translator: Translator,
    scorer: Translator,
    items: Iterable[EvaluationItem],
    on_image: OnImage = lambda *_: None,
) -> Evaluation:
    """Evaluate labels → photos (§6.4): a good photo is one in which a segmentation model recognises the label
    map.

    `translator` makes a photo from every true label map, drawn as in
    training. The photo is resized bilinearly to the label map's size. `scorer` predicts the classes of the
    photo, which are compared with the truth; doubt and calibration are the scorer's. ValueError if the
    translator has the wrong direction, if the two models have different classes or none, and as for
    `evaluate`.
    """
    table = translator.class_table
    if table is None:
        raise ValueError("labels → photos is scored by classes, and this model's pool has none")
    if translator.direction != LABELS_TO_PHOTOS:
        raise ValueError(f"labels → photos needs a translator of direction {LABELS_TO_PHOTOS}")
    if scorer.class_table is None or scorer.class_table.names != table.names:
        raise ValueError(f"the scorer must predict the classes {', '.join(table.names)}, in this order")
    tally = ClassTally(table)
    for item in _at_least_one(items):
        truth = _read_truth(item, table)
        photo = translator.draw(table.draw(truth))
        found = scorer.translate(photo)
        assert found.label_map is not None
        assert found.doubtful is not None
        score = tally.add(item.name, truth, found.label_map, found.doubtful, found.confidence)
        on_image(item.name, photo, score)
    return tally.evaluation()


def _evaluate_rgb(
    translator: Translator,
    items: Iterable[EvaluationItem],
    on_image: OnImage,
    constant_color: Mapping[int, Color] | None,
) -> RgbEvaluation:
    tally = RgbTally(constant_color)
    for item in _at_least_one(items):
        truth = read_photo(item.label_map)
        rgb = translator.translate(read_photo(item.photo), (truth.shape[0], truth.shape[1])).rgb
        score = tally.add(item.name, truth, rgb)
        on_image(item.name, rgb, score)
    return tally.evaluation()


def _at_least_one(items: Iterable[EvaluationItem]) -> Iterator[EvaluationItem]:
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise ValueError("there is nothing to evaluate: no test image has a label map")


def _read_truth(item: EvaluationItem, table: ClassTable) -> NDArray[np.uint8]:
    truth = read_label_map(item.label_map)
    try:
        table.check(truth)
    except ValueError as error:
        raise ValueError(f"label map {item.label_map.name}: {error}") from error
    return truth
