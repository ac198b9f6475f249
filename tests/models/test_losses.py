from __future__ import annotations

import numpy as np
import pytest
import torch

from models.training.losses import ADVERSARIAL_LOSSES, l1_loss

REAL = np.random.default_rng(0).normal(scale=3, size=(2, 1, 4, 4))
FAKE = np.random.default_rng(1).normal(scale=3, size=(2, 1, 4, 4))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


EXPECTED = {
    "relativistic": (-np.log(sigmoid(REAL - FAKE)).mean(), -np.log(sigmoid(FAKE - REAL)).mean()),
    "cross_entropy": (
        -0.5 * (np.log(sigmoid(REAL)).mean() + np.log(1 - sigmoid(FAKE)).mean()),
        -np.log(sigmoid(FAKE)).mean(),
    ),
    "least_squares": (0.5 * (((REAL - 1) ** 2).mean() + (FAKE**2).mean()), ((FAKE - 1) ** 2).mean()),
}


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_adversarial_losses_equal_their_formulas(name: str) -> None:
    """Each loss equals its textbook formula in float64 NumPy, negated where the paper maximises."""
    loss = ADVERSARIAL_LOSSES[name]
    real, fake = torch.from_numpy(REAL), torch.from_numpy(FAKE)
    assert loss.discriminator(real, fake).item() == pytest.approx(EXPECTED[name][0], rel=1e-12)
    assert loss.generator(real, fake).item() == pytest.approx(EXPECTED[name][1], rel=1e-12)


@pytest.mark.parametrize("name", ["relativistic", "cross_entropy"])
@pytest.mark.parametrize("sign", [1, -1])
def test_extreme_logits_stay_finite(name: str, sign: int) -> None:
    """Logits of ±10,000 in float32 give finite losses and gradients, where log(sigmoid) would overflow."""
    real = torch.full((1, 1, 2, 2), 1e4 * sign, requires_grad=True)
    loss = ADVERSARIAL_LOSSES[name]
    total = loss.discriminator(real, -real) + loss.generator(real, -real)
    total.backward()
    assert real.grad is not None
    assert torch.isfinite(total)
    assert torch.isfinite(real.grad).all()


def test_l1_is_the_mean_absolute_difference() -> None:
    """Cycle, identity and paired losses average |a − b| over all elements (Eq. 3 to 5)."""
    value = l1_loss(torch.from_numpy(REAL), torch.from_numpy(FAKE)).item()
    assert value == pytest.approx(np.abs(REAL - FAKE).mean(), rel=1e-12)
