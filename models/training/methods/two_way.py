"""The common part of hybrid, CycleGAN, pix2pix and Tripathy: two generators, two discriminators, Adam."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.training.data import TrainingData, TrainingFiles
from models.training.image_pool import ImagePool
from models.training.losses import ADVERSARIAL_LOSSES
from models.training.methods.method import Method
from models.training.networks import Discriminator, Generator, initialise


class TwoWayTranslation(Method):
    """G_XY: photos X → label maps Y, G_YX back; D_Y judges label maps, D_X photos (paper, Fig. 1)."""

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        self.spec = spec
        self.notes: dict[str, Any] = {}
        self.gan = ADVERSARIAL_LOSSES[spec.adversarial]
        inputs = 6 if spec.conditional else 3
        self.G_XY, self.G_YX = (self.generator(spec, class_table) for _ in range(2))
        self.D_X, self.D_Y = Discriminator(inputs, spec.channels), Discriminator(inputs, spec.channels)
        self.networks: dict[str, nn.Module] = {
            "G_XY": self.G_XY,
            "G_YX": self.G_YX,
            "D_X": self.D_X,
            "D_Y": self.D_Y,
        }
        random = torch.Generator().manual_seed(spec.seed)
        for network in self.networks.values():
            initialise(network, random)  # drawn on the CPU, so that every device starts from the same weights
            network.to(device)
        self.adam_G, self.adam_D = self._adam(self.G_XY, self.G_YX), self._adam(self.D_X, self.D_Y)
        self.optimizers: dict[str, Optimizer] = {"G": self.adam_G, "D": self.adam_D}
        self.pool_X, self.pool_Y = (ImagePool(spec.pool_size, seed=spec.seed + domain) for domain in (0, 1))
        self.pools = {"X": self.pool_X, "Y": self.pool_Y}

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> TrainingData:
        epoch_size = partial(cls.epoch_size, spec, len(files.pairs), len(files.unpaired_photos))
        return TrainingData(files, spec, epoch_size, device)

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> nn.Module:
        return Generator(spec.channels, spec.blocks)

    @property
    def translators(self) -> dict[str, nn.Module]:
        return {"photo_to_label": self.G_XY, "label_to_photo": self.G_YX}

    def _adam(self, *networks: nn.Module) -> Adam:
        parameters = [parameter for network in networks for parameter in network.parameters()]
        betas = (self.spec.beta1, self.spec.beta2)
        return Adam(parameters, lr=self.spec.learning_rate, betas=betas, fused=True)


def descend(optimizer: Optimizer, loss: Tensor) -> None:
    """One optimiser step on `loss`; gradients flow through other networks but do not reach their weights."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    optimizer.zero_grad()
    torch.autograd.backward(loss, inputs=parameters)
    optimizer.step()


def detached(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: loss.detach() for name, loss in losses.items()}
