"""The 70×70 PatchGAN discriminator (paper, §3.4; Isola et al. 2017, §6.1.2)."""

from typing import cast

import torch
from torch import Tensor, nn

from models.training.networks.instance_norm import InstanceNorm


class Discriminator(nn.Module):
    """C(image), the untransformed output: (B, inputs, H, W) → logits (B, 1, H/8 − 2, W/8 − 2).

    Each logit judges one 70×70 patch. `inputs` is 3, or 6 to judge an image together with its condition.
    2,764,737 parameters (2,767,809 with 6 inputs) with the paper's 64 channels.
    """

    def __init__(self, inputs: int = 3, channels: int = 64) -> None:
        super().__init__()
        c = channels
        self.layers = nn.Sequential(
            *(nn.Conv2d(inputs, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *_layer(c, 2 * c, stride=2),
            *_layer(2 * c, 4 * c, stride=2),
            *_layer(4 * c, 8 * c, stride=1),
            nn.Conv2d(8 * c, 1, 4, stride=1, padding=1),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        *layers, last = self.layers
        for layer in layers:
            x_BCHW = layer(x_BCHW)
        # Logits drift freely and only their differences count, so bfloat16's three digits do not suffice.
        with torch.autocast(x_BCHW.device.type, enabled=False):
            return cast(Tensor, last(x_BCHW))


def _layer(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1)
    return convolution, InstanceNorm(), nn.LeakyReLU(0.2)
