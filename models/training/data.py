"""The two domains as tensors, and the random crops a training step takes from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.images.photos import read_label_map, read_target, resized
from models.images.tensors import scaled, scaled_target, to_tensor
from models.training.schedule import Indices, Schedule
from models.training.transfer import to_device

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}


@dataclass(frozen=True)
class Batch:
    """One step's samples, float32 (B, 3, S, S) in [−1, 1]: photos `x` and coloured label maps `y`.

    The first `pairs` are pairs: y[i] is the label map of x[i], cropped and flipped alike. `classes` are their
    class indices, int64 (pairs, S, S), for methods that learn them. `labelled` are the pixels of `y` that
    have a class, bool (B, 1, S, S); the others of `y` are 0. None: all count. For a method that learns from
    features, `x` are rows of features (B, C), and `y` their targets (B, K).
    """

    x: Tensor
    y: Tensor
    pairs: int
    classes: Tensor | None = None
    labelled: Tensor | None = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors that it has, by name."""
        every = {"x": self.x, "y": self.y, "classes": self.classes, "labelled": self.labelled}
        return {name: tensor for name, tensor in every.items() if tensor is not None}

    def overwrite(self, other: "Batch") -> None:
        """Take the numbers of another batch of the same kind, in place."""
        for name, tensor in self.tensors.items():
            tensor.copy_(other.tensors[name])


class Data(Protocol):
    """The samples of a training, as a pure function of the spec, the files and the step."""

    @property
    def nbytes(self) -> int:
        """Bytes that the samples take on the device."""
        ...

    def steps(self, epochs: int) -> int:
        """The number of steps of the first `epochs` epochs together."""
        ...

    def batch(self, step: int) -> Batch:
        """The samples of step number `step`, counted from 0."""
        ...


Pair = tuple[Path, Path]
"""A photo and its label map."""


@dataclass(frozen=True)
class TrainingFiles:
    """The files of one training. Label maps are class-index PNGs, or RGB images without a class table.

    `features` is a folder for an encoder's features of the photos; None: they are not kept.
    """

    class_table: ClassTable | None
    pairs: Sequence[Pair]
    unpaired_photos: Sequence[Path]
    unpaired_label_maps: Sequence[Path]
    features: Path | None = None


class TrainingData:
    """Photos and label maps, resized once to `load_size` and kept as uint8 on the device.

    `batch(step)` depends only on the spec's seed and the step, so a resumed training continues with the
    crops that it would have seen. ValueError names a file that cannot be read or holds an unknown class.
    """

    def __init__(
        self,
        files: TrainingFiles,
        spec: TrainingSpec,
        epoch_size: Callable[[int], tuple[int, int]],
        device: torch.device,
        with_classes: bool = False,
    ) -> None:
        self._spec = spec
        self._device = device
        self.schedule = Schedule(
            epoch_size,
            pairs=len(files.pairs),
            photos=len(files.unpaired_photos),
            label_maps=len(files.unpaired_label_maps),
            batch_size=spec.batch_size,
            seed=spec.seed,
            joint=spec.joint,
        )
        size, resize, table = spec.load_size, _RESAMPLING[spec.label_resize], files.class_table
        self._pair_x = _domain([photo for photo, _ in files.pairs], size, device)
        self._pair_y = _domain([label for _, label in files.pairs], size, device, table, resize)
        self._photos = _domain(files.unpaired_photos, size, device)
        self._label_maps = _domain(files.unpaired_label_maps, size, device, table, resize)
        self._pair_classes = None
        if with_classes and table and files.pairs:
            maps = [_read_classes(label, table, size) for _, label in files.pairs]
            self._pair_classes = torch.from_numpy(np.stack(maps))[:, None].to(device)

    @property
    def nbytes(self) -> int:
        """Bytes that the images take on the device."""
        parts = (self._pair_x, self._pair_y, self._photos, self._label_maps, self._pair_classes)
        return sum(part.nbytes for part in parts if part is not None)

    def steps(self, epochs: int) -> int:
        """The number of steps of the first `epochs` epochs together."""
        return self.schedule.steps(epochs)

    def batch(self, step: int) -> Batch:
        """The samples of step number `step`, counted from 0."""
        draw = self.schedule.draw(step)
        random = np.random.default_rng([self._spec.seed, step, 1])  # 1: other numbers than the schedule's
        pairs = self._crops(draw.pairs, random)
        photos, label_maps = self._crops(draw.photos, random), self._crops(draw.label_maps, random)
        x = scaled(torch.cat([pairs.cut(self._pair_x), photos.cut(self._photos)]))
        y, labelled = scaled_target(torch.cat([pairs.cut(self._pair_y), label_maps.cut(self._label_maps)]))
        classes = None if self._pair_classes is None else pairs.cut(self._pair_classes)[:, 0].long()
        return Batch(x, y, len(draw.pairs), classes, labelled)

    def _crops(self, indices: Indices, random: np.random.Generator) -> "_Crops":
        """Random crops of these images, each flipped with p = ½."""
        margin, size = self._spec.load_size - self._spec.image_size, np.arange(self._spec.image_size)
        top, left, flip = random.integers(0, [margin + 1, margin + 1, 2], size=(len(indices), 3)).T[
            :, :, None
        ]
        columns = np.where(flip, left + size[::-1], left + size)
        pixels = np.concatenate([indices[:, None], top + size, columns], axis=1)
        crops = to_device(torch.from_numpy(pixels), self._device)
        return _Crops(crops[:, :1], crops[:, 1 : 1 + len(size)], crops[:, 1 + len(size) :])


@dataclass(frozen=True)
class _Crops:
    """The pixels of crops, as indices: images (B, 1), rows (B, S) and columns (B, S)."""

    images: Tensor
    rows: Tensor
    columns: Tensor

    def cut(self, images_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) → (B, C, S, S), by one gather."""
        channels = torch.arange(images_NCHW.shape[1], device=images_NCHW.device)
        return images_NCHW[
            self.images[:, :, None, None],
            channels[None, :, None, None],
            self.rows[:, None, :, None],
            self.columns[:, None, None, :],
        ]


def _domain(
    paths: Sequence[Path],
    size: int,
    device: torch.device,
    class_table: ClassTable | None = None,
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
) -> Tensor:
    """Images (N, 3, S, S), or with a class table drawn label maps (N, 4, S, S)."""
    images = torch.empty((len(paths), 4 if class_table else 3, size, size), dtype=torch.uint8)
    for index, path in enumerate(paths):
        images[index] = to_tensor(resized(read_target(path, class_table), size, size, resampling))
    return images.to(device)


def _read_classes(path: Path, class_table: ClassTable, size: int) -> NDArray[np.uint8]:
    """A label map's class indices at (size, size), by nearest neighbour."""
    classes = read_label_map(path)
    class_table.check(classes)
    return np.array(Image.fromarray(classes).resize((size, size), Image.Resampling.NEAREST))
