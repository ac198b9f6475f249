"""A network applied to a photo that is too large for one pass: in tiles that overlap."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

TILE = 1024
"""Side in pixels of a tile. A photo of up to TILE² pixels is one tile, whatever its sides."""
OVERLAP = 256
"""Pixels that neighbouring tiles share at least. A multiple of the strides of all networks, like TILE."""
MULTIPLE = 32
"""Sides of photos are multiples of it: every network reduces them by a stride that divides it."""


def predict(network: nn.Module, photos: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """The network's output for photos (B, 3, H, W), with sides that are multiples of 32.

    The network maps (B, 3, h, w) to (B, C, h / s, w / s) with a stride s that divides 32. Photos of more than
    `tile`² pixels are cut into tiles of at most `tile` × `tile` pixels. Where tiles overlap, their outputs
    are averaged with weights that fall linearly towards a tile's edge, so that no seam shows. `tile` and
    `overlap` are multiples of 32.
    """
    height, width = photos.shape[-2:]
    if height * width <= tile**2:
        output: Tensor = network(photos)
        return output
    total = weight = torch.empty(0)
    for top, left in _corners(height, width, tile, overlap):
        part = network(photos[..., top : top + tile, left : left + tile])
        stride = min(tile, height) // part.shape[-2]
        if not total.numel():
            total = part.new_zeros(*part.shape[:2], height // stride, width // stride)
            weight = part.new_zeros(total.shape[-2:])
        window = _ramp(part.shape[-2], overlap // stride, part)[:, None]
        window = window * _ramp(part.shape[-1], overlap // stride, part)
        rows = slice(top // stride, top // stride + part.shape[-2])
        columns = slice(left // stride, left // stride + part.shape[-1])
        total[..., rows, columns] += part * window
        weight[rows, columns] += window
    return total / weight


def _corners(height: int, width: int, tile: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Top and left of every tile; the tiles are spread evenly."""
    for top in _starts(height, tile, overlap):
        for left in _starts(width, tile, overlap):
            yield top, left


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    if side <= tile:
        return [0]
    gaps = -(-(side - tile) // (tile - overlap))
    return [(side - tile) * place // gaps // MULTIPLE * MULTIPLE for place in range(gaps + 1)]


def _ramp(length: int, overlap: int, like: Tensor) -> Tensor:
    """Weights (length,) that rise over the overlap from almost 0 to 1, and fall again at the other end."""
    to_edge = torch.arange(length, device=like.device) + 0.5
    nearest = torch.minimum(to_edge, to_edge.flip(0))
    return (nearest / max(1, overlap)).clamp(max=1).to(like.dtype)
