"""Multinomial logistic regression on rows of features, solved to convergence."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

L2 = 1e-4
"""Weight of the penalty ‖W‖² / 2; the bias is free."""
TOLERANCE = 1e-5
"""The problem counts as solved when no entry of the gradient is larger."""
HISTORY = 20
CURVATURE = 0.1
"""A typical p(1 − p): the second derivative of the loss by a logit."""
MOST_PRECONDITIONED = 32_768
"""Rows of which the covariance is computed: more would not make the preconditioner better."""


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

    by L-BFGS (Liu and Nocedal 1989). It works on V with W = V (0.1 Σ + λI)^{-1/2}, where Σ is the covariance
    of the features: in these coordinates the problem is well conditioned, and tens of iterations suffice.
    Everything is computed in the rows' type and on their device. The same rows give the same solution.
    """

    def __init__(self, rows: Rows, l2: float = L2) -> None:
        self._rows, self._l2 = rows, l2
        self._total = rows.targets.sum().clamp(min=torch.finfo(rows.targets.dtype).tiny)
        self._to_W, self._to_V = _preconditioner(rows.features[:MOST_PRECONDITIONED], l2)

    def loss(self, weight: Tensor, bias: Tensor) -> Tensor:
        """The minimised function, a scalar."""
        # Sums in float64: a line search compares losses that differ by less than float32 can say.
        logits = torch.addmm(bias, self._rows.features, weight.T).double()
        cross_entropy = -(self._rows.targets * log_softmax(logits, dim=1)).sum() / self._total
        return cross_entropy + self._l2 / 2 * weight.double().square().sum()

    def solve(self, weight: Tensor, bias: Tensor, iterations: int) -> Solution:
        """At most `iterations` steps of L-BFGS from there; none if that is the solution already."""
        V = (weight.detach() @ self._to_V).requires_grad_()
        b = bias.detach().clone().requires_grad_()
        solver = torch.optim.LBFGS(
            [V, b],
            max_iter=iterations,
            history_size=HISTORY,
            tolerance_grad=TOLERANCE / 10,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            solver.zero_grad()
            loss = self.loss(V @ self._to_W, b)
            torch.autograd.backward(loss)
            return loss

        start = self.at(weight, bias)
        if start.converged:
            return start
        solver.step(closure)  # type: ignore[no-untyped-call]
        return self.at(V.detach() @ self._to_W, b.detach())

    def at(self, weight: Tensor, bias: Tensor) -> Solution:
        """The loss and its gradient there."""
        W, b = (tensor.detach().clone().requires_grad_() for tensor in (weight, bias))
        loss = self.loss(W, b)
        gradients = torch.autograd.grad(loss, [W, b])
        largest = max(gradient.abs().max().item() for gradient in gradients)
        return Solution(W.detach(), b.detach(), loss.item(), largest)


def fit(rows: Rows, l2: float = L2, iterations: int = 1000) -> Solution:
    """The solution from W = 0, b = 0, in one go."""
    classes, channels = rows.targets.shape[1], rows.features.shape[1]
    zeros = rows.features.new_zeros(classes, channels)
    return Regression(rows, l2).solve(zeros, rows.features.new_zeros(classes), iterations)


def _preconditioner(features_NC: Tensor, l2: float) -> tuple[Tensor, Tensor]:
    """(CURVATURE · Σ + λI) to the power of −1/2 and 1/2, (C, C)."""
    features = features_NC - features_NC.mean(dim=0)
    covariance = (features.T @ features / len(features)).double()
    values, vectors = torch.linalg.eigh(covariance)
    scales = (CURVATURE * values.clamp(min=0) + l2).sqrt()
    there, back = ((vectors * power) @ vectors.T for power in (1 / scales, scales))
    return there.to(features_NC), back.to(features_NC)
