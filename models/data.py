"""The two domains as tensors, and the random crops a training step takes from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.palette import ClassTable
from models.photos import read_label_map, read_photo
from models.schedule import Draw, Schedule
from models.spec import TrainingSpec

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}


@dataclass(frozen=True)
class Batch:
    """One step's samples, float32 (B, 3, S, S) in [−1, 1]: photos `x` and coloured label maps `y`.

    When `paired`, y[i] is the label map of x[i], cropped and flipped alike.
    """

    x: Tensor
    y: Tensor
    paired: bool


@dataclass(frozen=True)
class TrainingFiles:
    """The files of one training. Label maps are class-index PNGs, or RGB images without a class table."""

    class_table: ClassTable | None
    pairs: Sequence[tuple[Path, Path]]
    unpaired_photos: Sequence[Path]
    unpaired_label_maps: Sequence[Path]


class TrainingData:
    """Photos and label maps, resized once to `load_size` and kept as uint8 on the device.

    `batch(step)` depends on the spec's seed and the step alone, so a resumed training continues with the
    very crops it would have seen. ValueError names the file that cannot be read or holds an unknown class.
    """

    def __init__(
        self,
        files: TrainingFiles,
        spec: TrainingSpec,
        epoch_size: Callable[[int], tuple[int, int]],
        device: torch.device,
    ) -> None:
        self._spec = spec
        self.schedule = Schedule(
            epoch_size,
            pairs=len(files.pairs),
            photos=len(files.unpaired_photos),
            label_maps=len(files.unpaired_label_maps),
            batch_size=spec.batch_size,
            seed=spec.seed,
        )
        size, resize, table = spec.load_size, _RESAMPLING[spec.label_resize], files.class_table
        self._pair_x = _domain([photo for photo, _ in files.pairs], size, device)
        self._pair_y = _domain([label for _, label in files.pairs], size, device, table, resize)
        self._photos = _domain(files.unpaired_photos, size, device)
        self._label_maps = _domain(files.unpaired_label_maps, size, device, table, resize)

    def batch(self, step: int) -> Batch:
        """The samples of step number `step`, counted from 0."""
        draw = self.schedule.draw(step)
        random = np.random.default_rng([self._spec.seed, step, 1])  # 1 sets it apart from the schedule's
        crops_x = self._crops(random)
        crops_y = crops_x if draw.paired else self._crops(random)
        photos, label_maps = self._domains(draw)
        size = self._spec.image_size
        return Batch(
            _cut(photos, draw.x, crops_x, size), _cut(label_maps, draw.y, crops_y, size), draw.paired
        )

    def _domains(self, draw: Draw) -> tuple[Tensor, Tensor]:
        return (self._pair_x, self._pair_y) if draw.paired else (self._photos, self._label_maps)

    def _crops(self, random: np.random.Generator) -> NDArray[np.int64]:
        """Top, left and whether to flip, for every sample of a batch: (B, 3)."""
        margin = self._spec.load_size - self._spec.image_size
        return random.integers(0, [margin + 1, margin + 1, 2], size=(self._spec.batch_size, 3))


def to_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """RGB (H, W, 3) → uint8 (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))


def scaled(images: Tensor) -> Tensor:
    """0…255 → float32 in [−1, 1]."""
    return images.float() / 127.5 - 1


def unscaled(images: Tensor) -> Tensor:
    """[−1, 1] → uint8 0…255, rounded."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def resized(
    rgb: NDArray[np.uint8], height: int, width: int, resampling: Image.Resampling
) -> NDArray[np.uint8]:
    """RGB (H, W, 3) at another size; shrinking averages over all pixels, except with NEAREST."""
    return np.array(Image.fromarray(rgb).resize((width, height), resampling))


def read_target(path: Path, class_table: ClassTable | None) -> NDArray[np.uint8]:
    """A label map coloured by its class table, or without one the RGB image itself: (H, W, 3)."""
    if class_table is None:
        return read_photo(path)
    try:
        return class_table.encode(read_label_map(path))
    except ValueError as error:
        raise ValueError(f"label map {path.name}: {error}") from error


def _domain(
    paths: Sequence[Path],
    size: int,
    device: torch.device,
    class_table: ClassTable | None = None,
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
) -> Tensor:
    images = torch.empty((len(paths), 3, size, size), dtype=torch.uint8)
    for index, path in enumerate(paths):
        images[index] = to_tensor(resized(read_target(path, class_table), size, size, resampling))
    return images.to(device)


def _cut(images: Tensor, indices: NDArray[np.int64], crops: NDArray[np.int64], size: int) -> Tensor:
    cut = []
    for index, (top, left, flip) in zip(indices.tolist(), crops.tolist(), strict=True):
        crop = images[index, :, top : top + size, left : left + size]
        cut.append(crop.flip(-1) if flip else crop)
    return scaled(torch.stack(cut))
