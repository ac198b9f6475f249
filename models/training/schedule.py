"""Which samples every training step sees."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """The samples of one step, as indices; some of the three may be empty."""

    pairs: Indices
    photos: Indices
    label_maps: Indices


def constant_then_linear(step: int, total: int) -> float:
    """1 for the first half of the steps, then linearly to 0 (paper, §3.5); `step` counts from 0."""
    half = total // 2
    return 1.0 if step < half else (total - step) / (total - half)


class Schedule:
    """Epochs of paired and unpaired steps in random order; if `joint`, each step has both kinds of samples.

    A pure function of the seed and the step number: a training can continue at any step without stored state.

    Args:
        epoch_size: gives the numbers of paired and unpaired samples of an epoch, by the epoch's number. To
            reach these numbers samples are repeated or left out: all are drawn once before any is drawn
            again. An incomplete last batch is filled in the same way.
        pairs, photos, label_maps: the numbers of files.
    """

    def __init__(
        self,
        epoch_size: Callable[[int], tuple[int, int]],
        *,
        pairs: int,
        photos: int,
        label_maps: int,
        batch_size: int,
        seed: int,
        joint: bool = False,
    ) -> None:
        self._epoch_size = epoch_size
        self._pairs, self._photos, self._label_maps = pairs, photos, label_maps
        self._batch_size, self._seed, self._joint = batch_size, seed, joint
        self._starts = [0]  # the first step of every epoch reached so far, and of the next one
        self._epoch, self._draws = -1, list[Draw]()

    def draw(self, step: int) -> Draw:
        """The samples of step number `step`, counted from 0."""
        while self._starts[-1] <= step:
            self._starts.append(self.steps(len(self._starts)))
        epoch = int(np.searchsorted(self._starts, step, side="right")) - 1
        if epoch != self._epoch:
            self._epoch, self._draws = epoch, self._shuffled(epoch)
        return self._draws[step - self._starts[epoch]]

    def steps(self, epochs: int) -> int:
        """The number of steps of the first `epochs` epochs together."""
        together = max if self._joint else sum
        return sum(together(self._batches(epoch)) for epoch in range(epochs))

    def _batches(self, epoch: int) -> tuple[int, int]:
        paired, unpaired = self._epoch_size(epoch)
        return -(-paired // self._batch_size), -(-unpaired // self._batch_size)

    def _shuffled(self, epoch: int) -> list[Draw]:
        random = np.random.default_rng([self._seed, epoch])
        paired, unpaired = self._batches(epoch)
        pairs = self._deal(random, self._pairs, paired)
        photos = self._deal(random, self._photos, unpaired)
        label_maps = self._deal(random, self._label_maps, unpaired)
        none = np.zeros(0, dtype=np.int64)
        if self._joint:
            draws = [Draw(*samples) for samples in zip(pairs, photos, label_maps, strict=True)]
        else:
            draws = [Draw(pair, none, none) for pair in pairs]
            draws += [Draw(none, *unpaired) for unpaired in zip(photos, label_maps, strict=True)]
        return [draws[position] for position in random.permutation(len(draws))]

    def _deal(self, random: np.random.Generator, population: int, batches: int) -> Indices:
        """`batches` rows of indices below `population`, dealt from one shuffled deck after the other."""
        count = batches * self._batch_size
        if count == 0:
            return np.zeros((0, self._batch_size), dtype=np.int64)
        decks = [random.permutation(population) for _ in range(-(-count // population))]
        return np.concatenate(decks)[:count].reshape(batches, self._batch_size)
