from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from models.training import logistic
from models.training.logistic import Regression, Rows, fit, standardisation

L2 = 1e-3


def rows(count: int = 600, channels: int = 12, classes: int = 4, seed: int = 0) -> Rows:
    """Correlated features, and soft targets of different weights; every tenth row does not count."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(channels, channels, generator=random, dtype=torch.float64)
    features = torch.randn(count, channels, generator=random, dtype=torch.float64) @ mixing
    targets = torch.rand(count, classes, generator=random, dtype=torch.float64) ** 4
    targets[torch.arange(count), (features[:, :classes] / 4).argmax(dim=1)] += 2
    targets[::10] = 0
    return Rows(features, targets)


def test_the_solution_is_scikit_learns() -> None:
    """Weights, up to a constant over the classes, equal those of LogisticRegression on rows repeated for each
    class, with the class shares as sample weights.
    """
    data = rows()
    count, classes = data.targets.shape
    weights = data.targets.numpy().T.ravel()
    oracle = LogisticRegression(C=1 / (L2 * weights.sum()), tol=1e-10, max_iter=10_000)
    oracle.fit(np.tile(data.features.numpy(), (classes, 1)), np.arange(classes).repeat(count), weights)
    ours = fit(data, L2)
    assert ours.converged
    for tensor, expected in ((ours.weight, oracle.coef_), (ours.bias[:, None], oracle.intercept_[:, None])):
        centred = tensor - tensor.mean(dim=0)
        torch.testing.assert_close(centred, torch.from_numpy(expected - expected.mean(0)), rtol=0, atol=2e-3)


def test_the_gradient_vanishes_at_the_solution() -> None:
    """Differences of the plainly written loss show no slope in random directions."""
    data, ours = rows(seed=1), fit(rows(seed=1), L2)

    def loss(weight: Tensor, bias: Tensor) -> Tensor:
        probabilities = torch.softmax(data.features @ weight.T + bias, dim=1)
        return -(data.targets * probabilities.log()).sum() / data.targets.sum() + L2 / 2 * (weight**2).sum()

    random = torch.Generator().manual_seed(0)
    for _ in range(5):
        direction = (
            torch.randn(4, 12, generator=random, dtype=torch.float64),
            torch.randn(4, generator=random),
        )
        ahead, behind = (
            loss(ours.weight + step * direction[0], ours.bias + step * direction[1]) for step in (1e-4, -1e-4)
        )
        assert abs(float(ahead - behind)) / 2e-4 < 1e-4


def test_rounds_end_at_the_solution_and_stay() -> None:
    """Restarted from their own weights, rounds reach the same weights, and then stay there."""
    data = rows(seed=2)
    regression = Regression(data, L2)
    weight, bias = torch.zeros(4, 12, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for _ in range(40):
        solution = regression.improve(weight, bias)
        weight, bias = solution.weight, solution.bias
    assert solution.converged
    again = regression.improve(weight, bias)
    assert torch.equal(again.weight, weight)
    torch.testing.assert_close(weight, fit(data, L2).weight, rtol=0, atol=2e-3)


def test_classes_that_share_their_curvature_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one matrix for all classes, or one computed of a part of the rows, the solution is the same."""
    exact = fit(rows(seed=4), L2)
    for name in ("MOST_CURVATURES", "MOST_OBSERVED"):
        monkeypatch.setattr(logistic, name, 100)
        other = fit(rows(seed=4), L2)
        assert other.converged
        torch.testing.assert_close(other.weight, exact.weight, rtol=0, atol=2e-3)


def test_float32_suffices() -> None:
    """On float32 rows the solution differs from float64's by less than a hundredth of its size."""
    data = rows(seed=3)
    exact, ours = fit(data, L2), fit(Rows(data.features.float(), data.targets.float()), L2)
    assert ours.converged
    assert (ours.weight - exact.weight).norm() < 0.01 * exact.weight.norm()


def test_rows_that_decide_nothing_give_zeros() -> None:
    """One class, or no row that counts: the weights stay 0, and the problem counts as solved."""
    features = rows().features
    for targets in (torch.ones(600, 1).double(), torch.zeros(600, 3).double()):
        solution = fit(Rows(features, targets))
        assert solution.converged
        assert not solution.weight.any()


def test_an_absent_class_becomes_improbable() -> None:
    """A class without a row is predicted nowhere, and the numbers stay finite."""
    data = rows()
    solution = fit(Rows(data.features, torch.cat([data.targets, torch.zeros(600, 1)], dim=1)), L2)
    assert torch.isfinite(solution.weight).all()
    logits = data.features @ solution.weight.T + solution.bias
    assert torch.softmax(logits, dim=1)[:, -1].max() < 0.01


def test_standardisation_leaves_constant_columns_finite() -> None:
    """Mean 0 and deviation 1 afterwards; a constant column becomes 0 everywhere."""
    features = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * 5 + 2
    features[:, 1] = 7
    mean, std = standardisation(features)
    standard = (features - mean) / std
    torch.testing.assert_close(standard.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
    expected = torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(standard.std(dim=0, correction=0), expected, rtol=0, atol=1e-5)
