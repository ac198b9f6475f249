from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from models.catalog import build
from models.encoders.feature_maps import pretrained_feature_maps
from models.training.calibration import Cells, cross_fitted_temperature, temperature
from models.training.data import TrainingFiles
from models.training.methods.probe import Probe
from models.training.networks.dense import LinearHead
from tests.models.runs import TABLE, write_scenes

FREE = 1e-4
"""A penalty so weak that a head learns noise by heart."""


def shares_of(classes: torch.Tensor, count: int) -> torch.Tensor:
    return torch.eye(count)[classes]


def drawn(logits: torch.Tensor) -> torch.Tensor:
    """Classes that occur as often as the softmax of the logits says."""
    return torch.multinomial(logits.softmax(dim=1), 1, generator=torch.Generator().manual_seed(1))[:, 0]


@pytest.mark.parametrize("true", [0.25, 1.0, 3.0])
def test_the_temperature_is_found_that_drew_the_classes(true: float) -> None:
    """If classes follow the softmax of logits / T, T is found, up to the chance of 20,000 draws; no
    temperature of a fine grid has a lower cross-entropy.
    """
    logits = 3 * torch.randn(20_000, 4, generator=torch.Generator().manual_seed(0))
    classes = drawn(logits / true)
    found = temperature(logits, shares_of(classes, 4))
    assert found == pytest.approx(true, rel=0.05)
    losses = [float(cross_entropy(logits / t, classes)) for t in np.geomspace(0.1, 10, 200)]
    assert float(cross_entropy(logits / found, classes)) <= min(losses) + 1e-7


def test_shares_count_as_that_many_pixels() -> None:
    """A row with shares of two classes counts as rows of each class do, in proportion."""
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    shares = torch.zeros(50, 3)
    shares[:, 0], shares[:, 2] = 0.75, 0.25
    split = torch.cat([shares_of(torch.full((150,), 0), 3), shares_of(torch.full((50,), 2), 3)])
    repeated = torch.cat([logits.repeat(3, 1), logits])
    assert temperature(logits, shares) == pytest.approx(temperature(repeated, split))


@pytest.mark.parametrize(
    ("logits", "classes", "expected"),
    [
        ([[1.0, 1.0]] * 3, [0, 1, 0], 1.0),
        ([[7.0]] * 3, [0, 0, 0], 1.0),
        ([[2.0, 0.0]] * 3, [0, 0, 0], 1 / 20),
        ([[2.0, 0.0]] * 3, [1, 1, 1], 20.0),
    ],
)
def test_logits_that_tell_nothing_all_or_the_reverse(
    logits: list[list[float]], classes: list[int], expected: float
) -> None:
    """Equal logits, or a single class, leave 1; logits that are always right, or always wrong, end at a
    bound.
    """
    shares = shares_of(torch.tensor(classes), len(logits[0]))
    assert temperature(torch.tensor(logits), shares) == pytest.approx(expected, rel=0.1)


def cells(features: torch.Tensor, classes: torch.Tensor) -> Cells:
    return Cells(features, shares_of(classes, 3), torch.arange(len(features)) % 4)


def test_a_head_that_learns_noise_by_heart_is_cooled_down() -> None:
    """Features without a bearing on the classes get a high temperature, because the folds' heads fail on
    what was held out; features that give the class get a low one.
    """
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(3, (400,), generator=generator)
    noise = torch.randn(400, 60, generator=generator)
    assert cross_fitted_temperature(cells(noise, classes), FREE) > 4
    telling = torch.cat([noise[:, :3], 2 * shares_of(classes, 3)], dim=1)
    assert cross_fitted_temperature(cells(telling, classes), FREE) < 1


def test_no_fold_predicts_what_it_was_fitted_to() -> None:
    """Changing the classes of one fold changes no prediction for it: with fold 0 alone wrong, its own head
    is as sure as before, and the temperature rises.
    """
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(3, (400,), generator=generator)
    features = shares_of(classes, 3) + 0.3 * torch.randn(400, 3, generator=generator)
    right = cells(features, classes)
    swapped = torch.where(right.folds == 0, (classes + 1) % 3, classes)
    wrong = cells(features, swapped)
    assert cross_fitted_temperature(wrong, FREE) > 2 * cross_fitted_temperature(right, FREE)


def test_cells_of_one_block_are_held_out_together(tmp_path: Path) -> None:
    """A photo of 64×64 pixels has 4×4 blocks of 2×2 cells; a fold has one block in every row and column.
    Cells without a label are left out.
    """
    files = TrainingFiles(TABLE, write_scenes(tmp_path, 2, height=64, width=64), [], [])
    encoder, _ = pretrained_feature_maps("efficientnet_lite0")
    found = Cells.of(encoder, LinearHead(encoder.channels, 3), files, 64, seed=0)
    folds = found.folds.reshape(2, 8, 8)
    assert torch.equal(folds[0], folds[1])
    blocks = folds[0].reshape(4, 2, 4, 2).transpose(1, 2).reshape(4, 4, 4)
    assert (blocks == blocks[..., :1]).all()
    assert sorted(blocks[0, :, 0].tolist()) == sorted(blocks[:, 0, 0].tolist()) == [0, 1, 2, 3]
    assert torch.equal(found.shares.sum(dim=1) > 0, torch.ones(128, dtype=torch.bool))


def test_a_fold_without_cells_is_passed_over() -> None:
    """If all cells are in one fold, nothing can be held out, and the temperature is 1."""
    lonely = Cells(torch.randn(5, 2), shares_of(torch.tensor([0, 1, 2, 0, 1]), 3), torch.zeros(5))
    assert cross_fitted_temperature(lonely) == 1


def test_a_probe_and_its_average_end_with_the_temperature_of_its_own_pairs(tmp_path: Path) -> None:
    """After the last step, the networks that become the model and the one in the checkpoint divide their
    logits by one temperature, which the notes name. It is the same for the same pairs.
    """
    files = TrainingFiles(TABLE, write_scenes(tmp_path, 2, height=64, width=64), [], [])
    spec = build("tiny", "probe", image_size=64)
    found = []
    for _ in range(2):
        data = Probe.data(spec, files, torch.device("cpu"))
        method = Probe(spec, torch.device("cpu"), TABLE)
        average = copy.deepcopy(method.dense)
        method.begin(data)
        method.finish({"photo_to_label": average}, data)
        assert method.dense.temperature == average.temperature == pytest.approx(method.notes["temperature"])
        found.append(method.notes["temperature"])
    assert found[0] == found[1]
    assert found[0] != 1
