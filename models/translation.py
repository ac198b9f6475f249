"""Photos → label maps with a trained model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Resampling
from torch import nn

from models.artifacts import load_model
from models.data import resized, scaled, to_tensor, unscaled
from models.palette import ClassTable


@dataclass(frozen=True)
class Translation:
    """A translated photo.

    `rgb` (H, W, 3) is what the generator drew and `label_map` (H, W) its nearest class indices.
    `doubtful_share` is the share of pixels whose two nearest class colours are about as near. The last two
    are None for an `rgb` pool.
    """

    rgb: NDArray[np.uint8]
    label_map: NDArray[np.uint8] | None
    doubtful_share: float | None


class Translator:
    """A trained generator and what it needs around it."""

    def __init__(self, network: nn.Module, image_size: int, class_table: ClassTable | None) -> None:
        self._network = network
        self._image_size = image_size
        self.class_table = class_table

    @classmethod
    def load(cls, model_dir: Path, device: str = "auto") -> Translator:
        """The photo → label-map translator of a model folder, as a training leaves it."""
        network, spec = load_model(model_dir)
        return cls(network.to(choose_device(device)), spec.training.image_size, spec.class_table)

    def translate(self, photo: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Translation:
        """Translate an RGB photo (H, W, 3) as the paper evaluates (§4.1.2): draw, take nearest classes.

        `size` is the (height, width) of the answer, the photo's own by default.
        """
        rgb = self.draw(photo, size)
        if self.class_table is None:
            return Translation(rgb, None, None)
        label_map, doubtful = self.class_table.decode_with_doubt(rgb)
        return Translation(rgb, label_map, float(doubtful.mean()))

    def draw(self, photo: NDArray[np.uint8], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """The RGB translation alone: photo to the trained size, generator, bilinearly to `size`."""
        height, width = size or photo.shape[:2]
        side = self._image_size
        x_1CHW = scaled(to_tensor(resized(photo, side, side, Resampling.BICUBIC)))[None]
        with torch.inference_mode():
            y_1CHW = self._network(x_1CHW.to(next(self._network.parameters()).device))
        drawn = unscaled(y_1CHW[0]).permute(1, 2, 0).cpu().numpy()
        return resized(drawn, height, width, Resampling.BILINEAR)


def choose_device(name: str) -> torch.device:
    """A torch device by name; "auto" is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
