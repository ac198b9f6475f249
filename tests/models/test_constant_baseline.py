from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.evaluation import EvaluationItem, RgbEvaluation, constant_baseline, evaluate
from models.evaluation.constant import best_color
from models.translation.translator import Translator


def write_images(folder: Path, pixels: NDArray[np.uint8]) -> list[Path]:
    """Write images (N, H, W, 3) as PNG files; return their paths."""
    paths = [folder / f"{index}.png" for index in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.mark.parametrize("tolerance", [1, 2, 3, 6, 20])
def test_the_best_color_is_found_among_all(tolerance: int) -> None:
    """In a cube of 6³ colours the result is the first best one of an exhaustive search, also at the edges."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        pixels = random.integers(0, 6, size=(40, 3)) ** (seed % 2 + 1) % 6
        histogram = np.zeros((6, 6, 6), dtype=np.int64)
        np.add.at(histogram, tuple(pixels.T), 1)
        before = histogram.copy()
        counts = {
            color: int((np.abs(pixels - color).max(axis=1) < tolerance).sum())
            for color in itertools.product(range(6), repeat=3)
        }
        assert best_color(histogram, tolerance) == max(counts, key=lambda color: counts[color])
        assert np.array_equal(histogram, before)


def test_no_color_of_the_targets_does_better(tmp_path: Path) -> None:
    """On clustered random pixels the baseline is right for at least as many as any of 400 colours
    near them.
    """
    random = np.random.default_rng(0)
    centers = np.array([[250, 3, 120], [230, 20, 100], [60, 200, 250]])
    pixels = centers[random.integers(0, 3, size=(2, 30, 20))] + random.integers(-15, 16, size=(2, 30, 20, 3))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    flat = pixels.reshape(-1, 3).astype(int)
    for tolerance, color in constant_baseline(write_images(tmp_path, pixels)).items():

        def covered(candidate: NDArray[np.int64], tolerance: int = tolerance) -> int:
            return int((np.abs(flat - candidate).max(axis=1) < tolerance).sum())

        rivals = flat[random.integers(0, len(flat), size=400)] + random.integers(-4, 5, size=(400, 3))
        assert covered(np.array(color)) >= max(covered(rival) for rival in rivals) > 10


def test_its_share_is_reported_with_the_model(tmp_path: Path) -> None:
    """An rgb evaluation gives each colour's share on the evaluated images, averaged over the images."""
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    random = np.random.default_rng(1)
    train = np.clip(random.normal(200, 12, size=(2, 16, 16, 3)), 0, 255).astype(np.uint8)
    test = np.clip(random.normal(205, 12, size=(3, 16, 16, 3)), 0, 255).astype(np.uint8)
    colors = constant_baseline(write_images(tmp_path / "train", train))
    items = [EvaluationItem(path.stem, path, path) for path in write_images(tmp_path / "test", test)]
    evaluation = evaluate(Translator(nn.Identity(), 16, None), items, constant_color=colors)
    assert isinstance(evaluation, RgbEvaluation)
    assert evaluation.constant_color == colors
    for tolerance, share in (evaluation.constant or {}).items():
        expected = (np.abs(test.astype(int) - colors[tolerance]).max(axis=3) < tolerance).mean()
        assert share == pytest.approx(expected)
    assert 0 < evaluation.to_json()["constant"]["5"] < evaluation.to_json()["constant"]["20"] < 1
    assert evaluation.to_json()["constant_color"]["20"] == list(colors[20])
    assert set(evaluation.within.values()) == {1.0}


def test_without_training_targets_there_is_none(tmp_path: Path) -> None:
    """Without targets there is a ValueError; without colours an evaluation says None."""
    with pytest.raises(ValueError, match="there are none"):
        constant_baseline([])
    (path,) = write_images(tmp_path, np.zeros((1, 8, 8, 3), dtype=np.uint8))
    evaluation = evaluate(Translator(nn.Identity(), 8, None), [EvaluationItem("a", path, path)])
    assert isinstance(evaluation, RgbEvaluation)
    assert (evaluation.constant, evaluation.constant_color) == (None, None)
    assert evaluation.to_json()["constant"] is None
