"""Augmented crops of photos that keep their aspect, for methods that learn every pixel's class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.catalog import TrainingSpec
from models.images.tensors import scaled
from models.training.aspect_data import common_size, sized_pair, sized_photo
from models.training.augmentation import Window, cutmix_masks, jittered, mixed, window
from models.training.data import Batch, TrainingFiles
from models.training.schedule import Schedule

LARGEST_ZOOM = 2.0
JITTER = 0.4
CUTMIX = 0.5
"""The probability that a part of a crop is replaced."""


@dataclass(frozen=True)
class UnpairedCrops:
    """Crops of unpaired photos, float32 (B, 3, H, W) in [−1, 1]: `weak` as they are, and `strong`, which are
    the same with jitter and with the pixels of `masks` (bool, (B, H, W)) replaced by CutMix.
    """

    weak: Tensor
    strong: Tensor
    masks: Tensor


@dataclass(frozen=True)
class CropBatch(Batch):
    """The pairs of a step, augmented: `x` and `classes`. There are no coloured label maps (`y` is empty)."""

    unpaired: UnpairedCrops | None = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        return super().tensors | (vars(self.unpaired) if self.unpaired else {})


class CropData:
    """Photos and class indices, resized once to about `load_size`² pixels and kept as uint8 on the device.

    `batch(step)` depends only on the spec's seed and the step. All crops have one size, of about
    `image_size`² pixels with the pairs' median aspect. Unpaired photos are read only if the spec asks for
    consistency. ValueError names a file that cannot be read or holds an unknown class.
    """

    def __init__(self, files: TrainingFiles, spec: TrainingSpec, device: torch.device) -> None:
        assert files.class_table, "learns_classes asks for it"
        self.files, self._spec, self._device = files, spec, device
        pairs = [sized_pair(pair, files.class_table, spec.load_size) for pair in files.pairs]
        self._photos = [photo.to(device) for photo, _ in pairs]
        self._classes = [classes.to(device) for _, classes in pairs]
        unpaired = files.unpaired_photos if spec.lambda_consistency else ()
        if spec.lambda_consistency and not unpaired:
            raise ValueError("lambda_consistency needs unpaired photos, and there are none: add some")
        self._unpaired = [sized_photo(path, spec.load_size).to(device) for path in unpaired]
        self._size = common_size(self._photos, spec.image_size)
        self._schedule = Schedule(
            lambda epoch: (len(pairs), 0),
            pairs=len(pairs),
            photos=0,
            label_maps=0,
            batch_size=spec.batch_size,
            seed=spec.seed,
        )

    @property
    def nbytes(self) -> int:
        """Bytes that the images take on the device."""
        return sum(image.nbytes for image in (*self._photos, *self._classes, *self._unpaired))

    def steps(self, epochs: int) -> int:
        """The number of steps of the first `epochs` epochs together; an epoch sees every pair once."""
        return self._schedule.steps(epochs)

    def class_counts(self) -> Tensor:
        """The number of pixels of every class in all pairs, float32 (K)."""
        assert self.files.class_table, "learns_classes asks for it"
        classes = len(self.files.class_table.names)
        counts = [torch.bincount(one.flatten(), minlength=256)[:classes] for one in self._classes]
        return torch.stack(counts).sum(dim=0).float()

    def batch(self, step: int) -> CropBatch:
        """The crops of step number `step`, counted from 0."""
        random = np.random.default_rng([self._spec.seed, step, 1])  # 1: other numbers than the schedule's
        pairs = self._schedule.draw(step).pairs
        photos = [self._photos[index] for index in pairs]
        windows = self._windows(photos, random)
        cuts = zip(windows, pairs, strict=True)
        classes = torch.stack([seen.cut_classes(self._classes[index], *self._size) for seen, index in cuts])
        x, masks = self._strong(self._weak(photos, windows), random)
        unpaired = self._unpaired_crops(random)
        return CropBatch(x, x[:0], len(x), mixed(classes.long(), masks), unpaired=unpaired)

    def _unpaired_crops(self, random: np.random.Generator) -> UnpairedCrops | None:
        if not self._unpaired:
            return None
        drawn = random.integers(len(self._unpaired), size=self._spec.batch_size)
        photos = [self._unpaired[index] for index in drawn]
        weak = self._weak(photos, self._windows(photos, random))
        return UnpairedCrops(weak, *self._strong(weak, random))

    def _windows(self, photos: Sequence[Tensor], random: np.random.Generator) -> list[Window]:
        sizes = [(photo.shape[1], photo.shape[2]) for photo in photos]
        return [window(size, self._size, LARGEST_ZOOM, random) for size in sizes]

    def _weak(self, photos: Sequence[Tensor], windows: Sequence[Window]) -> Tensor:
        cuts = zip(windows, photos, strict=True)
        return torch.stack([seen.cut(scaled(photo), *self._size) for seen, photo in cuts])

    def _strong(self, crops: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The crops with jitter and CutMix, and the masks of what CutMix replaced."""
        masks = cutmix_masks(len(crops), *self._size, CUTMIX, random).to(self._device)
        return mixed(jittered(crops, JITTER, random), masks), masks
