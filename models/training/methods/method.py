"""The interface between the trainer and a training method."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.training.data import Batch, Data, TrainingFiles
from models.training.image_pool import ImagePool
from models.training.schedule import constant_then_linear


class Method(Protocol):
    """One way to train a photo ↔ label-map translator.

    Its facts are in `models.catalog`. The checkpoint holds `networks`, `optimizers` and `pools` by name, and
    the `notes`: together they are the whole state.
    """

    networks: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    """Each with its own learning rate, which the trainer scales by `learning_rate_factor`."""
    pools: dict[str, ImagePool]

    notes: dict[str, Any]
    """Facts to record with the result, in addition to the spec."""

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None: ...

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> Data:
        """The samples of every step. ValueError names a file that cannot be used."""
        ...

    @staticmethod
    def epoch_size(spec: TrainingSpec, pairs: int, unpaired: int, epoch: int) -> tuple[int, int]:
        """The numbers of paired and unpaired samples in epoch number `epoch`, given those of the data set. By
        default an epoch has every pair once.
        """
        return pairs, 0

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> nn.Module:
        """An untrained translator to load saved weights into: (B, 3, H, W) in [−1, 1] → image or logits."""
        ...

    def learning_rate_factor(self, step: int, total: int) -> float:
        """The factor of every learning rate at step number `step` of `total`, counted from 0."""
        return constant_then_linear(step, total)

    @property
    def translators(self) -> dict[str, nn.Module]:
        """The networks of the model: `photo_to_label` and, if the method trains one, `label_to_photo`."""
        ...

    def begin(self, data: Data) -> None:
        """Called before the first step of a training, but not when it is resumed."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of every optimiser on one batch; the losses by name, as scalars on the device."""
        ...

    def finish(self, translators: Mapping[str, nn.Module], data: Data) -> None:
        """Called after the last step, with the networks that become the model: `translators`, or their moving
        averages.
        """
