from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import confusion_matrix, jaccard_score
from torch import Tensor, nn
from torch.nn import functional

from models.evaluation import Evaluation, EvaluationItem, RgbEvaluation, evaluate
from models.images.palette import ClassTable
from models.images.photos import read_label_map, read_photo, write_label_map
from models.translation.translator import Translator
from tests.models.runs import TABLE, write_scenes

WIDE = ClassTable((*TABLE.names, "never"), (*TABLE.colors, (255, 0, 0)), ignore=255)


class Negative(nn.Module):
    """A translator whose result is known: the scenes' photos are negatives of their coloured label maps."""

    def __init__(self, blur: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 1, blur, blur), -1 / blur**2))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2, groups=3)


def items(folder: Path, count: int = 3, **size: int) -> list[EvaluationItem]:
    pairs = write_scenes(folder, count, seed=7, **size)
    return [EvaluationItem(f"scene {i}", photo, label) for i, (photo, label) in enumerate(pairs)]


def predictions(translator: Translator, item: EvaluationItem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True and predicted class of every pixel that is not ignored, by exhaustive search over the colours."""
    truth = read_label_map(item.label_map)
    rgb = translator.translate(read_photo(item.photo), (truth.shape[0], truth.shape[1])).rgb
    distances = np.linalg.norm(rgb[:, :, None].astype(float) - np.array(WIDE.colors), axis=3)
    counted = truth != 255
    return truth[counted].astype(int), distances.argmin(axis=2)[counted]


@pytest.fixture
def translator() -> Translator:
    return Translator(Negative(blur=5), 32, WIDE)


def test_scores_equal_an_independent_computation(tmp_path: Path, translator: Translator) -> None:
    """All scores equal scikit-learn's on classes found by brute force, without the ignored pixels."""
    scenes = items(tmp_path)
    evaluation = evaluate(translator, scenes)
    assert isinstance(evaluation, Evaluation)
    truth, predicted = (
        np.concatenate(a) for a in zip(*(predictions(translator, i) for i in scenes), strict=True)
    )
    matrix = confusion_matrix(truth, predicted, labels=range(4))
    ious = jaccard_score(truth, predicted, labels=range(4), average=None, zero_division=0)
    accuracies = [matrix[c, c] / matrix[c].sum() if matrix[c].any() else 0.0 for c in range(4)]
    assert evaluation.pixel_accuracy
    assert 0.2 < evaluation.pixel_accuracy < 0.98
    assert evaluation.pixel_accuracy == pytest.approx((truth == predicted).mean())
    assert evaluation.mean_accuracy == pytest.approx(np.mean(accuracies))
    assert evaluation.mean_iou == pytest.approx(ious.mean())
    assert evaluation.mean_iou_present == pytest.approx(ious[:3].mean())
    assert [score.name for score in evaluation.per_class] == ["sky", "road", "tree", "never"]
    assert [score.iou for score in evaluation.per_class] == [*map(pytest.approx, ious[:3]), None]
    assert [score.accuracy for score in evaluation.per_class] == [*map(pytest.approx, accuracies[:3]), None]
    assert [score.pixels for score in evaluation.per_class] == matrix.sum(axis=1).tolist()
    assert [list(row) for row in evaluation.confusion] == matrix.tolist()


def test_image_scores_are_over_the_classes_of_that_image(tmp_path: Path, translator: Translator) -> None:
    """Each image's accuracy and mean IoU equal scikit-learn's over the classes in its own truth."""
    scenes = items(tmp_path, height=16, width=8)
    evaluation = evaluate(translator, scenes)
    assert isinstance(evaluation, Evaluation)
    assert [score.name for score in evaluation.per_image] == ["scene 0", "scene 1", "scene 2"]
    for item, score in zip(scenes, evaluation.per_image, strict=True):
        truth, predicted = predictions(translator, item)
        present = sorted(set(truth.tolist()))
        expected = jaccard_score(truth, predicted, labels=present, average="macro", zero_division=0)
        assert score.mean_iou == pytest.approx(expected)
        assert score.pixel_accuracy == pytest.approx((truth == predicted).mean())


def test_a_perfect_translator_scores_one(tmp_path: Path) -> None:
    """If every pixel is right, all scores are 1, except means that include a class that never occurs."""
    scenes = items(tmp_path, height=32, width=32)
    for item in scenes:
        truth = read_label_map(item.label_map)
        predicted = Translator(Negative(), 32, WIDE).translate(read_photo(item.photo)).label_map
        assert predicted is not None
        write_label_map(item.label_map, np.where(truth == 255, truth, predicted).astype(np.uint8))
    evaluation = evaluate(Translator(Negative(), 32, WIDE), scenes)
    assert isinstance(evaluation, Evaluation)
    assert (evaluation.pixel_accuracy, evaluation.mean_iou_present) == (1, 1)
    assert (evaluation.mean_iou, evaluation.mean_accuracy) == (0.75, 0.75)


def test_ignored_pixels_do_not_count(tmp_path: Path, translator: Translator) -> None:
    """An image whose pixels are all ignored has no score, changes no total score, and does not count as one
    of the worst.
    """
    scenes = items(tmp_path)
    without = evaluate(translator, scenes[:2])
    write_label_map(scenes[2].label_map, np.full((48, 64), 255, dtype=np.uint8))
    with_ignored = evaluate(translator, scenes)
    assert isinstance(without, Evaluation)
    assert isinstance(with_ignored, Evaluation)
    assert with_ignored.per_class == without.per_class
    assert with_ignored.doubtful_share == without.doubtful_share
    assert with_ignored.per_image[2].to_json() == {"pixel_accuracy": None, "mean_iou": None}
    assert max(with_ignored.per_image, key=lambda image: image.score).name == "scene 2"


def test_nothing_to_score_is_none(tmp_path: Path) -> None:
    """If no pixel is labelled, no score is a number. A class that is neither there nor predicted has no
    IoU; one that is only predicted has an IoU of 0, and no accuracy.
    """
    scenes = items(tmp_path, count=1)
    predicted = Translator(Negative(), 32, WIDE).translate(read_photo(scenes[0].photo)).label_map
    assert predicted is not None
    found = int(predicted[0, 0])
    write_label_map(scenes[0].label_map, np.where(predicted == found, 3, 255).astype(np.uint8))
    partly = evaluate(Translator(Negative(), 32, WIDE), scenes)
    write_label_map(scenes[0].label_map, np.full_like(predicted, 255))
    nothing = evaluate(Translator(Negative(), 32, WIDE), scenes)
    assert isinstance(partly, Evaluation)
    assert isinstance(nothing, Evaluation)
    scored = {place: (score.accuracy, score.iou) for place, score in enumerate(partly.per_class)}
    assert scored == dict.fromkeys(range(3), (None, None)) | {found: (None, 0), 3: (0, 0)}
    values = nothing.to_json()
    assert [{**score, "name": "", "pixels": 0} for score in values.pop("per_class")] == [
        {"name": "", "accuracy": None, "iou": None, "pixels": 0}
    ] * 4
    assert set(values.values()) == {None}


def test_rgb_scores_equal_their_definition(tmp_path: Path) -> None:
    """The shares within 5, 10, 16 and 20, and the error, equal NumPy's, averaged over the images."""
    scenes = items(tmp_path, height=32, width=32)
    for index, item in enumerate(scenes):
        error = np.random.default_rng(index).integers(-22, 23, size=(32, 32, 1))
        truth = np.clip(255 - read_photo(item.photo).astype(int) + error, 0, 255)
        Image.fromarray(truth.astype(np.uint8)).save(item.label_map)
    translator = Translator(Negative(), 32, None)
    evaluation = evaluate(translator, scenes)
    assert isinstance(evaluation, RgbEvaluation)
    differences = [
        np.abs(translator.draw(read_photo(item.photo)).astype(int) - read_photo(item.label_map).astype(int))
        for item in scenes
    ]
    for tolerance in (5, 10, 16, 20):
        shares = [(difference.max(axis=2) < tolerance).mean() for difference in differences]
        assert evaluation.within[tolerance] == pytest.approx(np.mean(shares))
        assert [score.within[tolerance] for score in evaluation.per_image] == pytest.approx(shares)
    assert evaluation.within[20] > evaluation.within[5] > 0
    assert evaluation.mean_absolute_error == pytest.approx(np.mean(differences))


@pytest.mark.parametrize("table", [WIDE, None])
def test_evaluations_become_json(tmp_path: Path, table: ClassTable | None) -> None:
    """Both kinds of evaluation become plain JSON without the images' scores, which have JSON of their own."""
    pairs = write_scenes(tmp_path, 2)
    scenes = [EvaluationItem("a", photo, label if table else photo) for photo, label in pairs]
    evaluation = evaluate(Translator(Negative(), 32, table), scenes)
    value = evaluation.to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert "per_image" not in value
    for score in evaluation.per_image:
        flat = score.to_json()
        assert all(isinstance(number, float) for number in flat.values())
        name = "mean_iou" if table else "mean_absolute_error"
        assert score.score == (flat[name] if table else -flat[name])
    if table is None:
        assert set(evaluation.per_image[0].to_json()) >= {"within_5", "within_10", "within_16", "within_20"}


@pytest.mark.parametrize("table", [WIDE, None])
def test_every_image_is_reported_with_its_prediction(tmp_path: Path, table: ClassTable | None) -> None:
    """`on_image` gets each name in order, the model's prediction at the truth's size, and the scores."""
    seen: list[tuple[str, NDArray[np.uint8], object]] = []
    model = Translator(Negative(blur=5), 32, table)
    scenes = items(tmp_path)
    if table is None:
        scenes = [EvaluationItem(item.name, item.photo, item.photo) for item in scenes]
    evaluation = evaluate(model, scenes, lambda *arguments: seen.append(arguments))
    assert [(name, score) for name, _, score in seen] == [(s.name, s) for s in evaluation.per_image]
    for item, (name, predicted, _) in zip(scenes, seen, strict=True):
        translation = model.translate(read_photo(item.photo), (48, 64))
        assert name == item.name
        assert np.array_equal(predicted, translation.rgb if table is None else translation.label_map)


def test_what_cannot_be_scored_is_named(tmp_path: Path, translator: Translator) -> None:
    """No items, or a label map with an unknown class, raise ValueError instead of giving numbers."""
    with pytest.raises(ValueError, match="nothing to evaluate"):
        evaluate(translator, [])
    scenes = items(tmp_path, 1)
    write_label_map(scenes[0].label_map, np.full((48, 64), 4, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"label0\.png: class index 4 is unknown"):
        evaluate(translator, scenes)
