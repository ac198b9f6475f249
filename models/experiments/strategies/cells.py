"""What the probe sees of a data set's photos, computed once and kept: cells of 8×8 pixels with their features
and classes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders.feature_maps import FeatureMaps, pretrained_feature_maps
from models.experiments.dataset import Dataset
from models.files import atomic_write
from models.images.palette import ClassTable
from models.training.aspect_data import sized_pair
from models.training.data import Pair
from models.training.feature_data import CELL, VIEWS, View, cell_features, class_shares, seen

SIZE = 224
"""The photos' working size: about 224² pixels, 192×256 where the aspect is 4:3."""

WHOLE, MIRRORED = VIEWS[:2]

VERSION = 2
"""Raised whenever the same photos would give other cells."""


@dataclass(frozen=True)
class Cells:
    """Photos as cells: `features` float16 (M, C); `shares` float16 (M, K), the share of each class among the
    cell's pixels, of which unlabelled ones are in none; and `centres` uint8 (M), the class of the pixel at
    the cell's centre. The cells of photo i are the rows from starts[i] to starts[i + 1].
    """

    features: NDArray[np.float16]
    shares: NDArray[np.float16]
    centres: NDArray[np.uint8]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of photos."""
        return len(self.starts) - 1

    def of(self, photos: Iterable[int]) -> tuple[Tensor, Tensor, Tensor]:
        """The features and shares of these photos' cells, float32, and their centres, one photo after the
        other.
        """
        parts = [slice(self.starts[photo], self.starts[photo + 1]) for photo in photos]
        features, shares, centres = (
            torch.from_numpy(np.concatenate([rows[part] for part in parts]))
            for rows in (self.features, self.shares, self.centres)
        )
        return features.float(), shares.float(), centres


@dataclass(frozen=True)
class DatasetCells:
    """The train photos, their mirror images, and the val photos."""

    train: Cells
    mirrored: Cells
    val: Cells


def dataset_cells(
    data: Dataset, encoder: str, work: Path, on_photo: Callable[[], object] = lambda: None
) -> DatasetCells:
    """The cells of a data set with classes, which stay in `work`. `on_photo` is called for every photo that
    was not there, and for its mirror image.

    Raises ValueError if the data set has no classes or the encoder gives no feature maps, and
    WeightsUnavailable.
    """
    if data.class_table is None:
        raise ValueError("strategies are compared by classes, and this data set has no classes.json")
    network, digest = pretrained_feature_maps(encoder)
    content = f"{VERSION} {SIZE} {encoder} {digest} {data.digest}"
    folder = work / f"cells-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    found = []
    for part, split, names, view in (
        ("train", "train", data.train, WHOLE),
        ("mirrored", "train", data.train, MIRRORED),
        ("val", "val", data.val, WHOLE),
    ):
        paths = [folder / f"{part}-{array}.npy" for array in ("features", "shares", "centres", "starts")]
        if not paths[-1].exists():
            pairs = [data.pair(split, name) for name in names]
            _keep(paths, _computed(network, pairs, data.class_table, view, on_photo))
        found.append(Cells(*(np.load(path, mmap_mode="r") for path in paths)))
    return DatasetCells(*found)


def _computed(
    network: FeatureMaps, pairs: Sequence[Pair], table: ClassTable, view: View, on_photo: Callable[[], object]
) -> Cells:
    features, shares, centres = [], [], []
    for pair in pairs:
        photo, classes = sized_pair(pair, table, SIZE)
        viewed = seen(classes[None], view)[0]
        features.append(cell_features(network, seen(photo, view)).half().numpy())
        shares.append(class_shares(viewed, len(table.names)).half().numpy())
        centres.append(viewed[CELL // 2 :: CELL, CELL // 2 :: CELL].flatten().numpy())
        on_photo()
    starts = np.cumsum([0, *(len(rows) for rows in features)])
    return Cells(np.concatenate(features), np.concatenate(shares), np.concatenate(centres), starts)


def _keep(paths: Sequence[Path], cells: Cells) -> None:
    """The starts are written last: if they are there, everything is."""
    arrays: tuple[NDArray[Any], ...] = (cells.features, cells.shares, cells.centres, cells.starts)
    for path, array in zip(paths, arrays, strict=True):
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)
