"""Images as tensors: RGB (H, W, 3) uint8 ↔ (3, H, W), 0…255 ↔ [−1, 1]."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """RGB (H, W, 3) → uint8 (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))


def scaled(images: Tensor) -> Tensor:
    """0…255 → float32 in [−1, 1]."""
    return images.float() / 127.5 - 1


def unscaled(images: Tensor) -> Tensor:
    """[−1, 1] → uint8 0…255, rounded."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
