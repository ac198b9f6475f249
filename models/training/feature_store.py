"""Features of photos in files, so that an encoder sees each view of a photo once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.encoders.feature_maps import STRIDES, FeatureMaps
from models.files import atomic_write, sha256
from models.images.tensors import scaled

VERSION = "v1"
"""Part of each view's name: another one whenever the features of a view change."""
LARGEST = float(torch.finfo(torch.float16).max)


@dataclass(frozen=True)
class FeaturesFile:
    """Which features a file holds: the SHA-256 of the photo, that of the encoder's weights, and the view."""

    photo: str
    weights: str
    view: str
    """The size that the photo had, the kind of device, and the part of the photo."""

    @property
    def name(self) -> str:
        return f"{self.photo}.{self.weights}.{self.view}.npy"

    @classmethod
    def named(cls, name: str) -> Self:
        """Inverse of `name`."""
        photo, weights, view, _ = name.split(".")
        return cls(photo, weights, view)


class FeatureStore:
    """Gives the features of views of photos: from the files of a folder, which it fills on the way.

    A file holds float16 numbers, those of all maps one after the other. What is computed is rounded to
    float16 as well, so it makes no difference whether a file was there. Without a folder nothing is kept.
    """

    def __init__(self, encoder: FeatureMaps, folder: Path | None) -> None:
        self._encoder = encoder
        self._folder = folder
        self._weights = weights_digest(encoder) if folder else ""

    def maps(self, photo: Path, size: tuple[int, int], part: str, seen: Callable[[], Tensor]) -> list[Tensor]:
        """The `compact_maps` of what `seen` gives, uint8 (3, *size), which is the `part` of `photo`."""
        if self._folder is None:
            return compact_maps(self._encoder, seen())
        file = self._folder / self.file(sha256(photo), size, part).name
        if file.exists():
            kept = torch.from_numpy(np.load(file)).to(self._encoder.scale.device)
            return _split(kept, self._encoder, size)
        maps = compact_maps(self._encoder, seen())
        flat = torch.cat([one.flatten() for one in maps]).cpu().numpy()
        with atomic_write(file) as temporary, temporary.open("wb") as opened:
            np.save(opened, flat)
        return maps

    def file(self, photo: str, size: tuple[int, int], part: str) -> FeaturesFile:
        """The file of a view, where `photo` is the SHA-256 of the photo."""
        view = f"{VERSION}-{size[0]}x{size[1]}-{self._encoder.scale.device.type}-{part}"
        return FeaturesFile(photo, self._weights, view)


@torch.no_grad()
def compact_maps(encoder: FeatureMaps, photo_3HW: Tensor) -> list[Tensor]:
    """The feature maps of a uint8 photo, float16 (C, h, w), on the encoder's device; the map of stride 4 is
    averaged to stride 8.
    """
    first, *others = encoder(scaled(photo_3HW[None].to(encoder.scale.device)))
    maps = [functional.avg_pool2d(first, STRIDES[1] // STRIDES[0]), *others]
    return [one[0].clamp(-LARGEST, LARGEST).half() for one in maps]


def weights_digest(encoder: FeatureMaps) -> str:
    """The SHA-256 of all weights of the network, whatever file they come from, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy())
    return digest.hexdigest()


def _split(flat: Tensor, encoder: FeatureMaps, size: tuple[int, int]) -> list[Tensor]:
    height, width = size
    strides = (STRIDES[1], *STRIDES[1:])
    shapes = [
        (channels, height // s, width // s) for channels, s in zip(encoder.channels, strides, strict=True)
    ]
    parts = torch.split(flat, [c * h * w for c, h, w in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
