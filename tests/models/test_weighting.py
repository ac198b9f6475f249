"""Weights for a selection, against their closed forms."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, cat, nn

from models.images.palette import ClassTable
from models.translation.translator import Translator
from models.weighting import class_balance, uncertainty, uncertainty_weights
from tests.models.runs import TABLE


def test_rare_classes_weigh_as_much_as_common_ones() -> None:
    """A labelled image's weight is Σ share / mean share, divided by the mean of all: by hand, 2/3 and 4/3."""
    pool = np.array([[0.0], [10.0], [0.1], [9.9]], np.float16)
    shares = np.array([[1.0, 0.0], [0.5, 0.5]])
    weights = class_balance(pool, [0, 1], shares)
    expected = np.array([1 / 0.75, 0.5 / 0.75 + 0.5 / 0.25])
    np.testing.assert_allclose(weights, np.tile(expected / expected.mean(), 2), rtol=1e-6)


def test_weights_are_interpolated_between_labelled_images() -> None:
    """Other weights follow the definition, computed pair by pair in float64, and the mean of all is 1."""
    rng = np.random.default_rng(0)
    pool, labelled = rng.normal(size=(1500, 300)), rng.permutation(1500)[:7]
    shares = rng.dirichlet([3.0, 1.0, 0.1, 0.1], size=7)
    values = (shares / shares.mean(axis=0)).sum(axis=1)
    expected = np.empty(1500)
    for row in range(1500):
        distances = np.linalg.norm(pool[labelled] - pool[row], axis=1)
        closeness = (1 / np.maximum(distances, 1e-9)) ** 8
        expected[row] = (closeness * values).sum() / closeness.sum()
    weights = class_balance(pool.astype(np.float32), labelled, shares)
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-4)
    assert weights.mean() == pytest.approx(1)


def test_an_image_near_a_rare_class_counts_more_than_one_near_common_ones() -> None:
    """The nearer an image is to the only image with the rare class, the more it counts."""
    pool = np.linspace(0, 1, 11)[:, None]
    weights = class_balance(pool, [0, 10], np.array([[1.0, 0.0], [0.9, 0.1]]))
    assert (np.diff(weights) > 0).all()


def test_what_says_nothing_leaves_weights_alone() -> None:
    """Absent classes and images without labelled pixels change nothing; without labels all weights are 1."""
    pool = np.random.default_rng(1).normal(size=(9, 4))
    shares = np.array([[0.8, 0.2], [0.4, 0.6]])
    plain = class_balance(pool, [2, 5], shares)
    padded = class_balance(pool, [2, 7, 5], np.array([[0.8, 0.0, 0.2], [0, 0, 0], [0.4, 0.0, 0.6]]))
    np.testing.assert_allclose(padded, plain)
    np.testing.assert_array_equal(class_balance(pool, [], np.empty((0, 2))), np.ones(9))
    np.testing.assert_array_equal(class_balance(pool, [3], np.zeros((1, 2))), np.ones(9))
    assert np.isfinite(class_balance(np.zeros((4, 3)), [0, 1], shares)).all()


WEIGH = """
import sys
import numpy as np
from models.weighting import class_balance
rng = np.random.default_rng(0)
pool = rng.normal(size=(3000, 2048)).astype(np.float32)
sys.stdout.buffer.write(class_balance(pool, np.arange(400), rng.dirichlet([1.0] * 9, size=400)).tobytes())
"""


def test_the_number_of_threads_does_not_matter() -> None:
    """One thread and three give the same weights to the last bit."""
    weights = set()
    for threads in ("1", "3"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", WEIGH], env=environment, capture_output=True, check=True)
        weights.add(done.stdout)
    assert len(weights) == 1


@pytest.mark.parametrize("shares", [[[0.5, -0.1]], [[np.nan, 1.0]], [[0.5], [0.5]], [0.5]])
def test_unusable_shares_are_refused(shares: list[float]) -> None:
    """Negative shares, NaN, and a number of rows other than that of the labelled images are refused."""
    with pytest.raises(ValueError, match="Class shares must be"):
        class_balance(np.zeros((4, 3)), [0], np.array(shares))


class Contrast(nn.Module):
    """A model of two classes that is sure for bright and dark pixels, and in doubt for grey ones."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        brightness = 9 * x_BCHW.mean(dim=1, keepdim=True)
        return cat([brightness, -brightness, brightness - 50], dim=1)


def contrast(class_table: ClassTable | None = TABLE) -> Translator:
    return Translator(Contrast(), 256, class_table, learns_classes=True)


def test_uncertainty_is_the_share_of_doubtful_pixels(tmp_path: Path) -> None:
    """The uncertainty of a grey photo is 1, of a white one 0, of one with a grey quarter ¼, at every size."""
    photos = []
    for name, grey_share, size in (("grey", 1, 50), ("white", 0, 300), ("quarter", 0.25, 200)):
        pixels = np.full((size, 2 * size, 3), 255, np.uint8)
        pixels[:, : round(grey_share * 2 * size)] = 127
        photos.append(tmp_path / f"{name}.png")
        Image.fromarray(pixels).save(photos[-1])
    scores = uncertainty(contrast(), photos)
    np.testing.assert_allclose(scores, [1, 0, 0.25], atol=0.02)


def test_uncertainty_of_a_calibrated_model_is_the_share_it_expects_to_be_wrong(tmp_path: Path) -> None:
    """Grey photos, of which two classes are equally likely, have an uncertainty of ½, white ones almost 0."""
    photos = []
    for name, value in (("grey", 127.5), ("white", 255)):
        pixels = np.full((64, 128, 3), value, np.uint8)
        pixels[::2] = np.ceil(value)  # 127 and 128 average to grey
        photos.append(tmp_path / f"{name}.png")
        Image.fromarray(pixels).save(photos[-1])
    translator = Translator(Contrast(), 32, TABLE, learns_classes=True, keeps_aspect=True)
    np.testing.assert_allclose(uncertainty(translator, photos), [0.5, 0], atol=0.02)


def test_a_model_without_classes_has_no_uncertainty(tmp_path: Path) -> None:
    """A model without classes is refused with the reason, before a photo is read."""
    with pytest.raises(ValueError, match="cannot tell where it is uncertain"):
        uncertainty(contrast(None), [tmp_path / "missing.png"])


def test_uncertainty_is_mixed_with_the_pool_as_it_is() -> None:
    """Half of a weight is the same for all images, half is in proportion to the score; the mean is 1."""
    weights = uncertainty_weights(np.array([0.0, 0.1, 0.3]))
    np.testing.assert_allclose(weights, [0.5, 0.875, 1.625])
    np.testing.assert_array_equal(uncertainty_weights(np.zeros(4)), np.ones(4))
    assert uncertainty_weights(np.empty(0)).size == 0
    for bad in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="finite and not negative"):
            uncertainty_weights(np.array([0.5, bad]))
