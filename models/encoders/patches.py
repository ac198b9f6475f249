"""Patch features: what an encoder sees in each part of a photo. The strategy `words` counts them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

GRID = 8
"""A photo has `GRID` × `GRID` patches, row by row."""

DIMENSION = 64
"""The numbers that describe a patch: as float16, a photo's patches take 8 KiB."""


class PatchFeatures(nn.Module):
    """Feature maps of several strides in, patch features out: (B, C, h, w) each → float16 (B, 64, 64).

    Every map is averaged over the patches. The numbers of a patch from all maps are projected to 64 random
    directions (Johnson and Lindenstrauss, 1984), always the same ones: distances between patches stay what
    they are, up to about 10 %.
    """

    directions: Tensor

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        drawn = np.random.default_rng(0).normal(size=(sum(channels), DIMENSION)) / DIMENSION**0.5
        self.register_buffer("directions", torch.tensor(drawn, dtype=torch.float32), persistent=False)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        cells = [adaptive_avg_pool2d(one, GRID).flatten(2).float() for one in maps]
        return (torch.cat(cells, dim=1).transpose(1, 2) @ self.directions).half()
