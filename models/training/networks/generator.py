"""CycleGAN's residual generator (paper, §3.4; Johnson et al. 2016)."""

from typing import cast

import torch
from torch import Tensor, nn

from models.training.networks.instance_norm import InstanceNorm
from models.training.networks.precision import at_least_float32


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a skip connection; no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + cast(Tensor, self.layers(x_BCHW))


class Generator(nn.Module):
    """Image → image of the same size: (B, 3, H, W) → (B, 3, H, W), both in [−1, 1]; H and W multiples of 4.

    7×7 convolution, two of stride 2, `blocks` residual blocks at 4 × `channels`, two transposed convolutions,
    7×7 convolution, tanh. 11,378,179 parameters with the paper's 64 channels and 9 blocks.
    """

    def __init__(self, channels: int = 64, blocks: int = 9) -> None:
        super().__init__()
        c = channels
        self.layers = nn.Sequential(
            *(nn.ReflectionPad2d(3), nn.Conv2d(3, c, 7), InstanceNorm(), nn.ReLU()),
            *_down(c, 2 * c),
            *_down(2 * c, 4 * c),
            *(ResidualBlock(4 * c) for _ in range(blocks)),
            *_up(4 * c, 2 * c),
            *_up(2 * c, c),
            *(nn.ReflectionPad2d(3), nn.Conv2d(c, 3, 7)),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.tanh(at_least_float32(self.layers(x_BCHW)))


def _down(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), InstanceNorm(), nn.ReLU()


def _up(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
    return convolution, InstanceNorm(), nn.ReLU()
