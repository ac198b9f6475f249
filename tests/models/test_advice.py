"""The advice for a pool, from numbers that were measured."""

from dataclasses import replace

import numpy as np
import pytest

from models.advice import DEVICES, Situation, advised, advised_method
from models.catalog import METHODS, build
from models.measured import CURVES, expected

POOL = Situation(pairs=10, unpaired_photos=90, has_classes=True, encoder="efficientnet_lite0", device="cpu")


@pytest.mark.parametrize("pairs", [1, 3, 10, 500])
def test_the_method_is_the_one_that_scored_best(pairs: int) -> None:
    """With classes no compared method scored higher at this number of pairs than the advised one."""
    best = advised_method(replace(POOL, pairs=pairs))
    assert all(expected(best, pairs).mean_iou >= expected(name, pairs).mean_iou for name in CURVES)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("has_classes", [True, False])
@pytest.mark.parametrize("pairs", [1, 10, 100])
def test_every_advised_training_can_be_built(pairs: int, has_classes: bool, device: str) -> None:
    """Its size and steps are those of the recipe; without classes it does not learn classes."""
    advice = advised(replace(POOL, pairs=pairs, has_classes=has_classes, device=device))
    for training in filter(None, (advice.training, advice.preview, advice.paper)):
        spec = build(training.recipe, training.method, **training.options)
        assert (training.image_size, training.total_steps) == (spec.image_size, spec.total_steps)
        assert has_classes or not METHODS[training.method].learns_classes
        assert (training.mean_iou is None) == (device == "cuda" or not has_classes)


def test_labels_before_trainings() -> None:
    """Without a pair there is only the advice to label; with every photo labelled there is none to label."""
    nothing = advised(replace(POOL, pairs=0))
    assert (nothing.training, nothing.preview, nothing.paper) == (None, None, None)
    assert nothing.labels
    assert nothing.labels.budget == 10
    without_pairs = CURVES["cyclegan"][0].mean_iou
    best = max(expected(name, 10).mean_iou for name in CURVES)
    assert nothing.labels.gain == pytest.approx(best - without_pairs)
    assert advised(replace(POOL, unpaired_photos=0)).labels is None


@pytest.mark.parametrize(
    ("pairs", "photos", "budget"),
    [(0, 4, 4), (1, 90, 9), (10, 90, 10), (20, 90, 20), (40, 90, 40), (40, 7, 7)],
)
def test_labels_lead_to_the_next_milestone(pairs: int, photos: int, budget: int) -> None:
    """The budget leads to 10, 20, 40, then to twice as many pairs, as far as there are photos."""
    labels = advised(replace(POOL, pairs=pairs, unpaired_photos=photos)).labels
    assert labels
    assert labels.budget == budget


@pytest.mark.parametrize("method", CURVES)
def test_points_between_measured_ones(method: str) -> None:
    """Measured points are returned as they are, others lie between them, and beyond the last it counts."""
    curve = CURVES[method]
    for pairs, point in curve.items():
        assert expected(method, pairs) == point
    last = max(curve)
    assert expected(method, last * 10 + 1) == curve[last]
    for low, high in zip(sorted(curve), sorted(curve)[1:], strict=False):
        between = expected(method, low + 1)
        ends = sorted((curve[low].mean_iou, curve[high].mean_iou))
        assert ends[0] <= between.mean_iou <= ends[1]


def test_lines_over_logarithms() -> None:
    """Between five and ten pairs the score grows with the logarithm of their number."""
    low, high = CURVES["pix2pix"][5], CURVES["pix2pix"][10]
    seven = np.interp(np.log(7), np.log([5, 10]), [low.mean_iou, high.mean_iou])
    assert expected("pix2pix", 7).mean_iou == pytest.approx(seven)


@pytest.mark.parametrize(
    ("encoder", "strategy"),
    [("resnet50", "words"), ("efficientnet_lite0", "words"), ("onnx:own.onnx", "kmedoids")],
)
def test_the_strategy_is_one_that_the_encoder_can_answer(encoder: str, strategy: str) -> None:
    """Encoders of this program give patches, which `words` needs; other networks may not."""
    labels = advised(replace(POOL, encoder=encoder)).labels
    assert labels
    assert labels.strategy == strategy
