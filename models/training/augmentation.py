"""Random changes of photos and their label maps that leave what they show as it is.

The caller hands in the random numbers, so that a step's changes depend only on the seed and the step.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

RED_GREEN_BLUE = (0.299, 0.587, 0.114)
"""Their shares in grey (ITU-R BT.601)."""
LEAST_SHARE, LARGEST_SHARE = 0.1, 0.5
"""The share of a photo that CutMix replaces."""
LONGEST = 2.0
"""Sides of the rectangle that CutMix replaces are at most this many times as long as those of the photo's
shape."""


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels of a photo, and whether its left and right are swapped."""

    top: int
    left: int
    height: int
    width: int
    flipped: bool = False

    def cut(self, image_CHW: Tensor, height: int, width: int) -> Tensor:
        """float32 (C, H, W) → the window at (C, `height`, `width`), bilinear; shrinking averages."""
        seen = interpolate(self._of(image_CHW)[None], (height, width), mode="bilinear", antialias=True)
        return seen[0]

    def cut_classes(self, classes_HW: Tensor, height: int, width: int) -> Tensor:
        """Class indices (H, W) → the window at (`height`, `width`), by nearest neighbour."""
        seen = self._of(classes_HW)[None, None].float()
        return interpolate(seen, (height, width), mode="nearest-exact")[0, 0].to(classes_HW.dtype)

    def _of(self, image: Tensor) -> Tensor:
        rows = slice(self.top, self.top + self.height)
        seen = image[..., rows, self.left : self.left + self.width]
        return seen.flip(-1) if self.flipped else seen


def window(
    photo: tuple[int, int], crop: tuple[int, int], largest_zoom: float, random: np.random.Generator
) -> Window:
    """A random window of a photo of `photo` (height, width) pixels with the aspect of `crop` (height, width).

    At zoom 1 it is the largest such window. The zoom is drawn from 1 to `largest_zoom`, uniformly in its
    logarithm; the sides shrink by it. Flipped with p = ½.
    """
    zoom = np.exp(random.uniform(0, np.log(largest_zoom)))
    scale = min(photo[0] / crop[0], photo[1] / crop[1]) / zoom
    height, width = (max(1, min(side, round(part * scale))) for side, part in zip(photo, crop, strict=True))
    top, left = (int(random.integers(0, room + 1)) for room in (photo[0] - height, photo[1] - width))
    return Window(top, left, height, width, bool(random.integers(2)))


def jittered(photos_B3HW: Tensor, strength: float, random: np.random.Generator) -> Tensor:
    """Photos in [−1, 1] with brightness, contrast and saturation changed, in this order.

    Each is multiplied by a factor of its own for every photo, uniform in 1 ± `strength`: the brightness is
    the distance from black, the contrast that from the photo's mean, the saturation that from grey. The
    result is clipped to [−1, 1].
    """
    factors = random.uniform(1 - strength, 1 + strength, size=(3, len(photos_B3HW), 1, 1, 1))
    brightness, contrast, saturation = torch.from_numpy(factors).to(photos_B3HW)
    x = (photos_B3HW + 1) * brightness - 1
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = mean + (x - mean) * contrast
    grey = (x * x.new_tensor(RED_GREEN_BLUE).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    result: Tensor = grey + (x - grey) * saturation
    return result.clamp(-1, 1)


def cutmix_masks(
    count: int, height: int, width: int, probability: float, random: np.random.Generator
) -> Tensor:
    """Which pixels of each photo CutMix replaces (Yun et al. 2019): bool (`count`, `height`, `width`).

    With `probability`, a rectangle of 10 to 50 % of the pixels; else none.
    """
    masks = torch.zeros(count, height, width, dtype=torch.bool)
    for mask in masks:
        chosen, share = random.uniform() < probability, random.uniform(LEAST_SHARE, LARGEST_SHARE)
        stretch = np.exp(random.uniform(-np.log(LONGEST), np.log(LONGEST)) / 2)
        rows = min(height, round(height * np.sqrt(share) * stretch))
        columns = min(width, round(width * np.sqrt(share) / stretch))
        top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
        if chosen:
            mask[top : top + rows, left : left + columns] = True
    return masks


def mixed(images: Tensor, masks_BHW: Tensor) -> Tensor:
    """Each image (B, C, H, W) or map of classes (B, H, W), its masked pixels taken from the one before it."""
    masks = masks_BHW[:, None] if images.ndim == 4 else masks_BHW
    return torch.where(masks, images.roll(1, dims=0), images)
