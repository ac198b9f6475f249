from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.evaluation import Evaluation, EvaluationItem, evaluate
from models.evaluation.calibration import CalibrationTally
from models.images.photos import read_label_map, read_photo
from models.translation.translator import Translator
from tests.models.runs import TABLE, write_scenes


def by_hand(confidence: list[float], right: list[bool]) -> tuple[float, float]:
    """Both numbers by plain loops over sorted pixels, as they are defined."""
    pixels = sorted(zip(confidence, right, strict=True))
    error = 0.0
    for number in range(15):
        low, high = number / 15, (number + 1) / 15
        inside = [(c, r) for c, r in pixels if low <= c < high or (number == 14 and c == 1)]
        error += abs(sum(c for c, _ in inside) - sum(r for _, r in inside)) / len(pixels)
    least_sure = pixels[: len(pixels) // 5]
    errors = sum(not r for _, r in pixels)
    return error, sum(not r for _, r in least_sure) / errors


def test_scores_of_calibration_equal_plain_loops() -> None:
    """Pixel by pixel, the expected calibration error and the share of errors in the least sure fifth are
    what their definitions say, whatever the order of the pixels and the number of images.
    """
    random = np.random.default_rng(0)
    confidence = random.uniform(0.1, 1, 20_000).astype(np.float32)
    right = random.uniform(size=20_000) < confidence**2
    tally = CalibrationTally()
    for part in range(4):
        tally.add(confidence[part::4], right[part::4])
    error, least_sure = by_hand(confidence.tolist(), right.tolist())
    assert 0.05 < error < 0.5
    assert tally.expected_error() == pytest.approx(error, abs=1e-3)
    assert 0.25 < least_sure < 0.9
    assert tally.errors_in_least_sure() == pytest.approx(least_sure, abs=1e-3)


def test_certainty_that_is_right_has_no_error() -> None:
    """If every pixel is right with probability 1, the error is 0, and no errors are left to find."""
    tally = CalibrationTally()
    assert tally.expected_error() is None
    tally.add(np.ones(10, np.float32), np.ones(10, np.bool_))
    assert tally.expected_error() == 0
    assert tally.errors_in_least_sure() is None


def test_doubt_that_tells_nothing_holds_a_fifth_of_the_errors() -> None:
    """If all pixels are equally sure, the least sure fifth holds a fifth of the errors."""
    tally = CalibrationTally()
    tally.add(np.full(10, 0.7, np.float32), np.arange(10) < 7)
    assert tally.expected_error() == pytest.approx(0, abs=1e-6)
    assert tally.errors_in_least_sure() == pytest.approx(0.2)


def test_an_evaluation_has_scores_of_calibration(tmp_path: Path) -> None:
    """A network that learns classes is judged by its probabilities on labelled pixels only; one that draws
    colours has no probabilities.
    """
    scenes = write_scenes(tmp_path, 3)
    items = [EvaluationItem(photo.name, photo, label_map) for photo, label_map in scenes]
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 1)
    translator = Translator(network, 32, TABLE, learns_classes=True)
    evaluation = evaluate(translator, items)
    assert isinstance(evaluation, Evaluation)
    confidence: list[float] = []
    right: list[bool] = []
    for photo, label_map in scenes:
        truth, found = read_label_map(label_map), translator.translate(read_photo(photo))
        assert found.confidence is not None
        confidence += found.confidence[truth != TABLE.ignore].tolist()
        right += (found.label_map == truth)[truth != TABLE.ignore].tolist()
    error, least_sure = by_hand(confidence, right)
    assert evaluation.expected_calibration_error == pytest.approx(error, abs=1e-3)
    assert evaluation.errors_in_least_sure == pytest.approx(least_sure, abs=2e-3)
    drawn = evaluate(Translator(network, 32, TABLE), items)
    assert isinstance(drawn, Evaluation)
    assert drawn.expected_calibration_error is None
    assert drawn.errors_in_least_sure is None
