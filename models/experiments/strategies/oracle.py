"""Trains the probe on a few photos and scores it: the quality of a selection, in seconds."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.experiments.strategies.cells import Cells, DatasetCells
from models.training.feature_data import class_weights
from models.training.logistic import Rows, Solution, fit, standardisation

ROUNDS = 1
"""Of the solver: a second one, which takes as long, changes mean IoUs by some thousandths."""
MOST_ROWS = 16_384
"""Cells that a probe learns from: of more, a random part."""
PHOTOS_AT_ONCE = 32

Scores = dict[str, float]


def score_picks(cells: DatasetCells, picks: Sequence[int]) -> Scores:
    """The mean IoU of a probe that learned from the train photos `picks`: on the val photos (`val`) and on
    the train photos that were not picked (`rest`).

    What counts is the pixel at the centre of every cell, where the probe predicts without interpolation.
    Classes that the scored photos do not contain are left out. If all photos are picked, `rest` is missing.
    """
    probe = CellProbe(cells, picks)
    rest = sorted(set(range(len(cells.train))) - set(picks))
    scores = {"val": probe.mean_iou(cells.val, range(len(cells.val)))}
    return scores | ({"rest": probe.mean_iou(cells.train, rest)} if rest else {})


class CellProbe:
    """Multinomial logistic regression on the cells of the train photos `picks` and their mirror images, with
    class weights.
    """

    def __init__(self, cells: DatasetCells, picks: Sequence[int]) -> None:
        views = [view.of(picks) for view in (cells.train, cells.mirrored)]
        features, shares, _ = (torch.cat(parts) for parts in zip(*views, strict=True))
        random = torch.Generator().manual_seed(0)
        kept = torch.randperm(len(features), generator=random)[:MOST_ROWS].sort()[0]
        features, shares = features[kept], shares[kept]
        self._mean, self._std = standardisation(features)
        targets = shares * class_weights(shares.sum(dim=0))
        self._solution: Solution = fit(Rows((features - self._mean) / self._std, targets), rounds=ROUNDS)

    def mean_iou(self, cells: Cells, photos: Iterable[int]) -> float:
        """Over the classes that these photos contain."""
        classes, photos = cells.shares.shape[1], list(photos)
        confusion = torch.zeros(classes, classes, dtype=torch.float64)
        for start in range(0, len(photos), PHOTOS_AT_ONCE):
            features, _, truth = cells.of(photos[start : start + PHOTOS_AT_ONCE])
            guesses = self._logits(features).argmax(dim=1)
            joint = (truth.long() * classes + guesses)[truth < classes]
            confusion += torch.bincount(joint, minlength=classes**2).view(classes, classes)
        hits, pixels = confusion.diagonal(), confusion.sum(dim=1)
        return float((hits / (pixels + confusion.sum(dim=0) - hits))[pixels > 0].mean())

    def doubts(self, cells: Cells, photos: Iterable[int]) -> NDArray[np.float64]:
        """For each photo the mean, over its cells, of 1 − the probability of the predicted class."""
        sure = [self._logits(cells.of([photo])[0]).softmax(dim=1).amax(dim=1).mean() for photo in photos]
        return 1 - torch.stack(sure).double().numpy()

    def _logits(self, features: Tensor) -> Tensor:
        weight = self._solution.weight / self._std
        bias = self._solution.bias - weight @ self._mean
        return torch.addmm(bias, features, weight.T)
