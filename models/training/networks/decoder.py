"""A light decoder: a feature pyramid from stride 32 to stride 4 (Lin et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

CHANNELS = 96
GROUPS = 8
"""Of group norm (Wu and He 2018), which does not depend on the batch's size."""


class Decoder(nn.Module):
    """Four feature maps, (B, `channels`[i], H / s, W / s) at strides s = 4, 8, 16, 32 → class logits
    (B, `classes`, H / 4, W / 4).

    Each map is projected to 96 channels and normed; the coarsest also gets its own mean over the photo as
    context. From coarse to fine, the sum so far is enlarged, the next map is added, and a separable 3×3
    convolution follows. The last layer starts at zero: before training, all logits are 0.
    """

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(_projection(count) for count in channels)
        self.context = nn.Conv2d(channels[-1], CHANNELS, 1)
        self.smooth = nn.ModuleList(_separable() for _ in channels[:-1])
        self.fuse = nn.Sequential(_separable(), _separable())
        self.classify = nn.Conv2d(CHANNELS, classes, 1)

    def initialise(self, random: torch.Generator) -> None:
        """He's initialisation, and zeros for the last layer and all biases."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=random)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.classify.weight)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        context = self.context(maps[-1].mean(dim=(2, 3), keepdim=True))
        x = relu(self.lateral[-1](maps[-1]) + context)
        finer = zip(reversed(maps[:-1]), reversed(self.lateral[:-1]), reversed(self.smooth), strict=True)
        for features, lateral, smooth in finer:
            x = smooth(interpolate(x, features.shape[2:], mode="bilinear") + lateral(features))
        logits: Tensor = self.classify(self.fuse(x))
        return logits


def _projection(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, CHANNELS, 1, bias=False), nn.GroupNorm(GROUPS, CHANNELS))


def _separable() -> nn.Sequential:
    """A 3×3 convolution of each channel by itself, then a 1×1 convolution across channels."""
    return nn.Sequential(
        nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False),
        nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False),
        nn.GroupNorm(GROUPS, CHANNELS),
        nn.ReLU(),
    )
