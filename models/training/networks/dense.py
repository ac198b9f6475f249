"""A network that labels every pixel from the feature maps of a pretrained encoder."""

from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders.feature_maps import FeatureMaps


class DenseNetwork(nn.Module):
    """Photo → class logits: (B, 3, H, W) in [−1, 1] → (B, K, H / s, W / s); H and W are multiples of 32.

    The logits are those of a linear head on all feature maps of the encoder, at stride s = 8. A `decoder`
    takes the same maps and gives logits, at its own stride, which are added to the head's. The sum is divided
    by `temperature`, which makes probabilities of the logits' softmax calibrated (Guo et al. 2017).
    """

    temperature: Tensor

    def __init__(self, encoder: FeatureMaps, classes: int, decoder: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = LinearHead(encoder.channels, classes)
        self.decoder = decoder
        self.register_buffer("temperature", torch.tensor(1.0))

    def forward(self, photos_B3HW: Tensor) -> Tensor:
        maps = self.encoder(photos_B3HW)
        logits: Tensor = self.head(maps)
        if self.decoder is not None:
            refined = self.decoder(maps)
            logits = refined + _resized(logits, refined)
        return logits / self.temperature


class LinearHead(nn.Module):
    """One linear layer on standardised features of all strides: maps → class logits (B, K, H / 8, W / 8).

    It computes `weight · (features − mean) / std + bias` for the features of `at_stride_8`, but resizes
    logits, of which there are fewer than features: both are linear, so the order does not matter.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.zeros(classes, sum(channels)))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.register_buffer("mean", torch.zeros(sum(channels)))
        self.register_buffer("std", torch.ones(sum(channels)))

    def forward(self, maps: list[Tensor]) -> Tensor:
        weight = self.weight / self.std
        bias = self.bias - weight @ self.mean
        ends = list(accumulate(self.channels))
        scores = [
            functional.conv2d(one, weight[:, end - one.shape[1] : end, None, None])
            for one, end in zip(maps, ends, strict=True)
        ]
        at_8 = scores[1]
        total = at_8 + bias[:, None, None]
        for score in (scores[0], *scores[2:]):
            total = total + _resized(score, at_8)
        return total


def at_stride_8(maps: list[Tensor]) -> Tensor:
    """The feature maps of all strides as one: bilinearly resized to stride 8, (B, ΣC, H / 8, W / 8)."""
    return torch.cat([_resized(one, maps[1]) for one in maps], dim=1)


def _resized(map_BCHW: Tensor, like_BCHW: Tensor) -> Tensor:
    size = (like_BCHW.shape[2], like_BCHW.shape[3])
    return functional.interpolate(map_BCHW, size, mode="bilinear", align_corners=False)
