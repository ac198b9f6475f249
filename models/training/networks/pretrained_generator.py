"""A generator whose first half is an encoder that was trained on photos."""

from math import gcd
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.encoders.feature_maps import FeatureMaps
from models.training.networks.precision import at_least_float32


class PretrainedGenerator(nn.Module):
    """Photo → image or class logits: (B, 3, H, W) → (B, 3, H, W), both in [−1, 1], or (B, `classes`, H, W).

    H and W are multiples of 32. No layer couples two samples of a batch. 3,720,179 parameters with
    EfficientNet-Lite0, 64 channels and no classes.
    """

    def __init__(self, encoder: FeatureMaps, channels: int = 64, classes: int | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder(encoder.channels, channels, classes or 3)
        self.draws = classes is None
        """Whether the output is an image, and not class logits."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        output_BCHW = at_least_float32(self.decoder(self.encoder(x_BCHW)))
        return torch.tanh(output_BCHW) if self.draws else output_BCHW


class Decoder(nn.Module):
    """Maps at strides 4, 8, 16 and 32, with `inputs` channels → (B, `outputs`, H, W).

    From coarse to fine, the maps are merged at 4 × `channels` (Lin et al. 2017), the width of CycleGAN's
    generator at stride 4. From there the widths are that generator's: 2 × `channels` at stride 2, `channels`
    at stride 1, and a last 7×7 convolution.
    """

    def __init__(self, inputs: tuple[int, ...], channels: int, outputs: int) -> None:
        super().__init__()
        c = channels
        self.lateral = nn.ModuleList(nn.Conv2d(count, 4 * c, 1) for count in inputs)
        self.merge = nn.ModuleList(_separable(4 * c) for _ in inputs)
        self.enlarge = nn.ModuleList((_layer(4 * c, 2 * c), _layer(2 * c, c)))
        self.last = nn.Conv2d(c, outputs, 7, padding=3)

    def forward(self, maps: list[Tensor]) -> Tensor:
        laterals = [lateral(features) for lateral, features in zip(self.lateral, maps, strict=True)]
        y_BCHW = self.merge[-1](laterals[-1])
        for lateral, merge in zip(laterals[-2::-1], self.merge[-2::-1], strict=True):
            y_BCHW = merge(_doubled(y_BCHW) + lateral)
        for layer in self.enlarge:
            y_BCHW = layer(_doubled(y_BCHW))
        return cast(Tensor, self.last(y_BCHW))


def _separable(channels: int) -> nn.Sequential:
    """3×3 in each channel, then 1×1 across them (Howard et al. 2017)."""
    depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(channels, channels, 1), _norm(channels), nn.ReLU())


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), _norm(outputs), nn.ReLU())


def _norm(channels: int) -> nn.GroupNorm:
    """Groups of 8 channels, or of the largest divisor (Wu and He 2018). Unlike instance norm, it leaves
    something of a map of one pixel."""
    return nn.GroupNorm(channels // gcd(8, channels), channels)


def _doubled(x_BCHW: Tensor) -> Tensor:
    return interpolate(x_BCHW, scale_factor=2.0, mode="bilinear")
