"""The paper's networks (§3.4): CycleGAN's generator and the PatchGAN discriminator."""

import torch
from torch import nn

from models.training.networks.discriminator import Discriminator
from models.training.networks.generator import Generator

__all__ = ["Discriminator", "Generator", "initialise"]


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw convolution weights from N(0, 0.02), in module order; biases are 0 (CycleGAN, §7.1)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
