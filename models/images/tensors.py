"""Images as tensors: (H, W, 3) uint8 ↔ (3, H, W), 0…255 ↔ [−1, 1]."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """RGB (H, W, 3) → uint8 (3, H, W); RGBA likewise."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))


def scaled(images: Tensor) -> Tensor:
    """0…255 → float32 in [−1, 1]."""
    return images.float() / 127.5 - 1


def scaled_target(images_NCHW: Tensor) -> tuple[Tensor, Tensor | None]:
    """Images or drawn label maps, uint8 (N, 3 or 4, H, W) → float32 (N, 3, H, W) in [−1, 1], and which pixels
    are labelled, bool (N, 1, H, W), or None for images without a fourth channel.

    A pixel is labelled if it is at least half opaque. The others are 0, whatever their colour was.
    """
    rgb = scaled(images_NCHW[:, :3])
    if images_NCHW.shape[1] == 3:
        return rgb, None
    labelled = images_NCHW[:, 3:] >= 128
    return rgb * labelled, labelled


def unscaled(images: Tensor) -> Tensor:
    """[−1, 1] → uint8 0…255, rounded."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
