"""Multinomial logistic regression on rows of features, solved to convergence."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax

L2 = 2e-2
"""Weight of the penalty ‖W‖² / 2; the bias is free. How much it matters: docs/method.md."""
TOLERANCE = 1e-5
"""The problem counts as solved when no entry of the gradient is larger."""
ITERATIONS = 15
"""Steps of L-BFGS before the coordinates are renewed."""
MOST_OBSERVED = 4096
"""Rows of which the curvature is computed: it need not be exact."""
MOST_CURVATURES = 2**24
"""Numbers in the curvatures of all classes."""
LEAST_CURVATURE = 1e-6
"""Added to that of a bias, which a class that is absent would not have."""


@dataclass(frozen=True)
class Rows:
    """What a fit learns from: `features` float32 (N, C), and `targets` (N, K), the weight of every class.

    A row's weight is the sum of its targets: a row of zeros does not count.
    """

    features: Tensor
    targets: Tensor


@dataclass(frozen=True)
class Solution:
    """Weights (K, C) and bias (K), with the loss and the largest entry of its gradient there."""

    weight: Tensor
    bias: Tensor
    loss: float
    gradient: float

    @property
    def converged(self) -> bool:
        return self.gradient <= TOLERANCE


def standardisation(features_NC: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C) and standard deviation (C) of the columns; the deviation of a constant column is 1."""
    std, mean = torch.std_mean(features_NC, dim=0, correction=0)
    return mean, torch.where(std > 1e-6, std, 1.0)


class Regression:
    r"""Minimises the weighted cross-entropy with an L2 penalty,

    $$\frac{1}{\sum t}\sum_{i,k} -t_{ik} \log \mathrm{softmax}(W x_i + b)_k + \frac{λ}{2}\lVert W \rVert^2,$$

    by L-BFGS (Liu and Nocedal 1989), in coordinates in which it is well conditioned: those of the curvature
    of each class at the starting point (see `_Coordinates`). Everything is computed in the rows' type and on
    their device. The same rows and the same starting point give the same result.
    """

    def __init__(self, rows: Rows, l2: float = L2) -> None:
        self._rows, self._l2 = rows, l2
        self._total = rows.targets.sum().clamp(min=torch.finfo(rows.targets.dtype).tiny)

    def loss(self, weight: Tensor, bias: Tensor) -> Tensor:
        """The minimised function, a scalar."""
        # Sums in float64: a line search compares losses that differ by less than float32 can say.
        logits = linear(self._rows.features, weight, bias).double()
        cross_entropy = -(self._rows.targets * log_softmax(logits, dim=1)).sum() / self._total
        return cross_entropy + self._l2 / 2 * weight.double().square().sum()

    def improve(self, weight: Tensor, bias: Tensor) -> Solution:
        """ITERATIONS steps of L-BFGS from there; none if that is the solution already."""
        start = self.at(weight, bias)
        if start.converged or not math.isfinite(start.loss):
            return start
        coordinates = _Coordinates(self._rows, start, self._l2)
        point = coordinates.of(start.weight, start.bias).requires_grad_()
        solver = torch.optim.LBFGS(
            [point],
            max_iter=ITERATIONS,
            history_size=ITERATIONS,
            tolerance_grad=TOLERANCE / 100,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            solver.zero_grad()
            loss = self.loss(*coordinates.to(point))
            torch.autograd.backward(loss)
            return loss

        solver.step(closure)  # type: ignore[no-untyped-call]
        end = self.at(*coordinates.to(point.detach()))
        return end if end.loss < start.loss else start

    def at(self, weight: Tensor, bias: Tensor) -> Solution:
        """The loss and its gradient there."""
        W, b = (tensor.detach().clone().requires_grad_() for tensor in (weight, bias))
        loss = self.loss(W, b)
        gradients = torch.autograd.grad(loss, [W, b])
        largest = max(gradient.abs().max().item() for gradient in gradients)
        return Solution(W.detach(), b.detach(), loss.item(), largest)


class _Coordinates:
    """Coordinates v_k = Lᵀ (w_k, b_k) of each class, where L Lᵀ is the second derivative of the loss by its
    weights and bias at the starting point: the second derivative by v_k is the identity there.

    It is computed of a part of the rows. If there are too many features and classes for a matrix of each
    class, the classes share their mean.
    """

    def __init__(self, rows: Rows, start: Solution, l2: float) -> None:
        stride = -(-len(rows.features) // MOST_OBSERVED)
        features, targets = rows.features[::stride], rows.targets[::stride]
        share = torch.softmax(linear(features, start.weight, start.bias), dim=1)
        curvature = targets.sum(dim=1, keepdim=True) * share * (1 - share)
        if curvature.shape[1] * features.shape[1] ** 2 > MOST_CURVATURES:
            curvature = curvature.mean(dim=1, keepdim=True)
        with_one = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
        second = torch.stack([(with_one * of_class[:, None]).T @ with_one for of_class in curvature.T])
        penalty = torch.full_like(second[0, 0], l2, dtype=torch.float64)
        penalty[-1] = LEAST_CURVATURE
        total = targets.sum().double().clamp(min=torch.finfo(torch.float64).tiny)
        self._there = torch.linalg.cholesky(second.double() / total + torch.diag(penalty))
        identity = torch.eye(len(penalty), dtype=torch.float64, device=penalty.device)
        self._back = torch.linalg.solve_triangular(self._there, identity, upper=False)
        self._dtype = features.dtype

    def of(self, weight: Tensor, bias: Tensor) -> Tensor:
        """The coordinates of weights (K, C) and biases (K): float64 (K, 1, C + 1)."""
        point = torch.cat([weight, bias[:, None]], dim=1).double()
        return torch.matmul(point[:, None], self._there)

    def to(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Inverse of `of`, in the rows' type.

        The mean over the classes, which changes no probability and is 0 in the solution, is left out.
        """
        both = (point @ self._back)[:, 0]
        both = (both - both.mean(dim=0)).to(self._dtype)
        return both[:, :-1], both[:, -1]


def fit(rows: Rows, l2: float = L2, rounds: int = 10) -> Solution:
    """The solution in one go, from W = 0 and b = 0: at most `rounds` times ITERATIONS steps."""
    regression = Regression(rows, l2)
    classes, channels = rows.targets.shape[1], rows.features.shape[1]
    zeros = rows.features.new_zeros(classes, channels + 1)
    solution = regression.at(zeros[:, :-1], zeros[:, -1])
    for _ in range(rounds):
        if solution.converged:
            break
        solution = regression.improve(solution.weight, solution.bias)
    return solution
