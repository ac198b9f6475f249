"""Rows of features of labelled photos, for methods that learn on a frozen encoder."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.catalog import TrainingSpec
from models.encoders.feature_maps import FeatureMaps
from models.training.aspect_data import sized_pair
from models.training.data import Batch, TrainingFiles
from models.training.feature_store import FeatureStore, compact_maps
from models.training.logistic import Rows, standardisation
from models.training.networks.dense import at_stride_8

CELL = 8
"""Pixels of the photo between two rows of features."""
MOST_ROWS = 2**15
"""Of more rows, a random part is kept: four times as many changed mean IoUs by less than 0.002, and took
three times as long to fit."""
MOST_NUMBERS = 2**26
"""Numbers in all rows together, 256 MiB."""


@dataclass(frozen=True)
class View:
    """A part of a photo, seen at the photo's full size; the edges are shares of its height and width."""

    top: float = 0
    left: float = 0
    side: float = 1
    flipped: bool = False

    @property
    def name(self) -> str:
        """Edges in thousandths, and whether the part is mirrored: a name for files."""
        edges = [f"{1000 * edge:.0f}" for edge in (self.top, self.left, self.side)]
        return "-".join([*edges, *(["mirrored"] if self.flipped else [])])


VIEWS = (View(), View(flipped=True), View(0, 0, 2 / 3), View(1 / 3, 1 / 3, 2 / 3, flipped=True))
"""The whole photo, its mirror image, and two parts at a larger scale."""
MOST_VIEWS = 400
"""Views of all photos together; of many photos, fewer are taken of each, but at least the first."""


class FeatureData:
    """`rows` of features and targets of all pairs, standardised: every step sees all of them.

    `mean` (C) and `std` (C) are those of the features before. ValueError names a file that cannot be used.
    """

    def __init__(self, encoder: FeatureMaps, files: TrainingFiles, spec: TrainingSpec) -> None:
        self.files = files
        rows = feature_rows(encoder, files, spec.load_size, spec.seed)
        self.mean, self.std = standardisation(rows.features)
        self.rows = Rows(rows.features.sub_(self.mean).div_(self.std), rows.targets)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows."""
        return self.rows.features.nbytes + self.rows.targets.nbytes

    def steps(self, epochs: int) -> int:
        """One step an epoch: it sees everything."""
        return epochs

    def batch(self, step: int) -> Batch:
        """All rows, whatever the step."""
        return Batch(self.rows.features, self.rows.targets, len(self.rows.features))


def feature_rows(encoder: FeatureMaps, files: TrainingFiles, size: int, seed: int) -> Rows:
    """Features of all pairs at stride 8, and the weighted class shares of the 8×8 pixels of each row.

    The encoder's device computes and keeps them. Rows without a labelled pixel are left out, and so many
    others, by chance, that MOST_ROWS and MOST_NUMBERS suffice. ValueError if no pixel has a class.
    """
    table = files.class_table
    assert table
    views = VIEWS[: max(1, MOST_VIEWS // len(files.pairs))]
    rows = min(MOST_ROWS, MOST_NUMBERS // sum(encoder.channels))
    most = max(1, rows // (len(files.pairs) * len(views)))
    store = FeatureStore(encoder, files.features)
    features, shares = [], []
    for index, pair in enumerate(files.pairs):
        photo, classes = sized_pair(pair, table, size)
        size_HW = (photo.shape[1], photo.shape[2])
        for number, view in enumerate(views):
            share_NK = class_shares(seen(classes[None], view)[0], len(table.names))
            kept = share_NK.sum(dim=1).nonzero()[:, 0]
            if len(kept) > most:
                random = np.random.default_rng([seed, index, number])
                kept = kept[torch.from_numpy(np.sort(random.choice(len(kept), most, replace=False)))]
            maps = store.maps(pair[0], size_HW, view.name, partial(seen, photo, view))
            features.append(_rows_of(maps)[kept])
            shares.append(share_NK[kept].to(features[-1]))
    together = torch.cat(shares)
    if not len(together):
        raise ValueError("no pixel of the pairs has a class: there is nothing to learn from")
    return Rows(torch.cat(features), together * class_weights(together.sum(dim=0)))


def cell_features(encoder: FeatureMaps, photo_3HW: Tensor) -> Tensor:
    """The features of a uint8 photo at stride 8: float32 (H / 8 · W / 8, C), from `compact_maps`."""
    return _rows_of(compact_maps(encoder, photo_3HW))


def _rows_of(maps: list[Tensor]) -> Tensor:
    return at_stride_8([one[None].float() for one in maps])[0].flatten(1).T.contiguous()


def class_shares(classes_HW: Tensor, classes: int) -> Tensor:
    """The share of every class in each cell of 8×8 pixels, (cells, K); unlabelled pixels have none."""
    one_hot = torch.stack([classes_HW == index for index in range(classes)]).float()
    return functional.avg_pool2d(one_hot, CELL).flatten(1).T


def class_weights(frequencies_K: Tensor) -> Tensor:
    """min(10, √(1 / (f + 0.001))) for each class of relative frequency f: rare classes weigh more."""
    relative = frequencies_K / frequencies_K.sum()
    return (1 / (relative + 0.001)).sqrt().clamp(max=10)


def seen(image_CHW: Tensor, view: View) -> Tensor:
    """What a view shows, at the size of the whole: photos are interpolated, maps of one channel are not."""
    height, width = image_CHW.shape[1:]
    top, left = round(view.top * height), round(view.left * width)
    part = image_CHW[:, top : top + round(view.side * height), left : left + round(view.side * width)]
    if part.shape != image_CHW.shape:
        mode = "nearest-exact" if len(part) == 1 else "bilinear"
        smooth = functional.interpolate(part[None].float(), (height, width), mode=mode)[0]
        part = smooth.round().to(image_CHW.dtype)
    return part.flip(-1) if view.flipped else part
