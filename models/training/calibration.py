"""One temperature for all logits, fitted on pixels that were held out (Guo et al. 2017)."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from models.encoders.feature_maps import FeatureMaps
from models.training.aspect_data import sized_pair
from models.training.data import TrainingFiles
from models.training.feature_data import CELL, cell_features, class_shares, class_weights
from models.training.logistic import L2, Rows, fit
from models.training.networks.dense import LinearHead

BLOCKS = 4
"""Blocks along each side of a photo: all cells of a block are held out together."""
FOLDS = 4
"""The blocks of every diagonal are held out once, and in every row and column of blocks one."""
MOST_PAIRS, MOST_CELLS = 20, 2**14
"""Of more pairs and of more cells, so many are drawn: one number needs no more."""
ROUNDS = 3
"""Of a fit: one number does not need the exact solution."""
LARGEST = 20.0
"""Temperatures are from 1/20 to 20."""


def temperature(logits_NK: Tensor, shares_NK: Tensor) -> float:
    """The temperature T with the least cross-entropy −Σ share · log softmax(logits / T).

    `shares_NK` (N, K) are the shares of the classes in each row. The cross-entropy is convex in 1/T, so
    the sign of its derivative is enough to find T by bisection. If all T are equally good, T is 1.
    """
    logits, shares = logits_NK.double(), shares_NK.double()
    true = (shares * logits).sum()
    of_row = shares.sum(dim=1, keepdim=True)

    def slope(inverse: float) -> float:
        expected = ((inverse * logits).softmax(dim=1) * logits * of_row).sum()
        return float(expected - true)

    low, high = 1 / LARGEST, LARGEST
    if slope(high) - slope(low) <= 1e-9 * max(1.0, float(of_row.sum())):
        return 1.0
    for _ in range(50):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low


@dataclass(frozen=True)
class Cells:
    """Cells of 8×8 pixels with a label: standardised features (N, C), class shares (N, K), and the number of
    the fold in which each is held out (N).
    """

    features: Tensor
    shares: Tensor
    folds: Tensor

    @classmethod
    def of(cls, encoder: FeatureMaps, head: LinearHead, files: TrainingFiles, size: int, seed: int) -> Self:
        """At most MOST_CELLS cells of at most MOST_PAIRS pairs, each seen as a whole at its working size for
        `size`.
        """
        assert files.class_table
        random = np.random.default_rng([seed, len(files.pairs)])
        features, shares, folds = [], [], []
        for index in _drawn(len(files.pairs), MOST_PAIRS, random):
            photo, classes = sized_pair(files.pairs[index], files.class_table, size)
            share = class_shares(classes, len(files.class_table.names))
            labelled = share.any(dim=1)
            cells = cell_features(encoder, photo)[labelled.to(head.mean.device)]
            features.append((cells - head.mean) / head.std)
            shares.append(share[labelled].to(cells))
            folds.append(_folds(photo.shape[1] // CELL, photo.shape[2] // CELL)[labelled])
        kept = _drawn(sum(map(len, folds)), MOST_CELLS, random)
        return cls(*(torch.cat(parts)[kept].to(features[0].device) for parts in (features, shares, folds)))


def cross_fitted_temperature(cells: Cells, l2: float = L2) -> float:
    """The temperature of a linear head whose every prediction is for blocks that its fit has not seen.

    For each fold, a head is fitted to the other folds' cells, weighted as for `probe` and with the penalty
    `l2`, and predicts the fold's. Folds that leave nothing to fit, or have nothing to predict, are passed
    over.
    """
    logits, shares = [], []
    for fold in range(FOLDS):
        held = cells.folds == fold
        if not held.any() or held.all():
            continue
        seen = cells.shares[~held]
        rows = Rows(cells.features[~held], seen * class_weights(seen.sum(dim=0)))
        solution = fit(rows, l2, rounds=ROUNDS)
        logits.append(torch.addmm(solution.bias, cells.features[held], solution.weight.T))
        shares.append(cells.shares[held])
    return temperature(torch.cat(logits), torch.cat(shares)) if logits else 1.0


def _drawn(count: int, most: int, random: np.random.Generator) -> list[int]:
    """All numbers below `count`, or `most` of them, in their order."""
    if count <= most:
        return list(range(count))
    drawn: list[int] = np.sort(random.choice(count, most, replace=False)).tolist()
    return drawn


def _folds(rows: int, columns: int) -> Tensor:
    """The fold of every cell, (rows · columns)."""
    down = torch.arange(rows)[:, None] * BLOCKS // rows
    right = torch.arange(columns) * BLOCKS // columns
    return ((down + right) % FOLDS).flatten()
