"""From class logits to label maps."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from models.images.palette import DOUBTFUL_RATIO

_BAND = 2**21
"""Logits that exist at once at the photo's size: those of a large photo would take gigabytes."""


@dataclass(frozen=True)
class Classes:
    """The likeliest class of every pixel, uint8 (H, W); its probability, float32 (H, W); and a mask (H, W) of
    the pixels where a second class is almost as good (see DOUBTFUL_RATIO).
    """

    label_map: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    doubtful: NDArray[np.bool_]


def decode_logits(logits: Tensor, height: int, width: int) -> Classes:
    """Class logits (K, h, w), resized bilinearly to (height, width), as classes.

    Of equally likely classes the first is taken. The work is done in bands of rows.
    """
    logits = logits.float()
    rows_Hh = _row_weights(logits, height)
    decoded = Classes(
        np.empty((height, width), np.uint8),
        np.empty((height, width), np.float32),
        np.empty((height, width), np.bool_),
    )
    rows = max(1, _BAND // (len(logits) * width))
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        used = rows_Hh[band].any(dim=0).nonzero()[:, 0]
        source = slice(int(used[0]), int(used[-1]) + 1)
        tall = torch.einsum("Yy,kyx->kYx", rows_Hh[band, source], logits[:, source])
        resized = interpolate(tall[None], (tall.shape[1], width), mode="bilinear", antialias=True)[0]
        _decode(resized, decoded, band)
    return decoded


def _row_weights(logits: Tensor, height: int) -> Tensor:
    """How much each row of the logits counts in each of `height` resized rows, (height, h)."""
    identity = torch.eye(logits.shape[1], device=logits.device)
    size = (height, logits.shape[1])
    return interpolate(identity[None, None], size, mode="bilinear", antialias=True)[0, 0]


def _decode(logits: Tensor, decoded: Classes, band: slice) -> None:
    best, indices = logits.max(dim=0, keepdim=True)
    decoded.label_map[band] = indices[0].to(torch.uint8).cpu().numpy()
    decoded.confidence[band] = (1 / (logits - best).exp_().sum(dim=0)).cpu().numpy()
    second = logits.scatter_(0, indices, -math.inf).amax(dim=0)
    # A difference of logits is a ratio of probabilities.
    decoded.doubtful[band] = (second - best[0] > math.log(DOUBTFUL_RATIO)).cpu().numpy()
