"""A label map for a photo, learned in about a second from finished photos and from strokes on this photo.

Multinomial logistic regression, as for `probe`, on an encoder's features, the colour and the position of each
pixel. Near strokes, a watershed from the strokes has a say too. docs/method.md has the measurements behind
the constants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from models.images.palette import ClassTable
from models.training.aspect_data import sized_classes, sized_photo
from models.training.feature_data import CELL, View, class_shares, class_weights
from models.training.feature_store import FeatureStore
from models.training.logistic import Rows, fit, standardisation
from models.training.networks.dense import at_stride_8
from models.translation.decoding import decode_logits

SIZE = 512
"""Photos are looked at with about SIZE² pixels."""
STRIDES = 3
"""The maps of strides 4, 8 and 16 are used. That of 32 has two thirds of the features, quadruples the time,
and made suggestions from strokes worse."""
MOST_CELLS, MOST_PIXELS = 8192, 4096
"""Rows of all finished photos together, and of strokes; others are left out by chance."""
STROKES_COUNT = 3.0
"""The weight of all strokes together, where all finished photos together have 1."""
PULL, REACH = 4.0, 0.07
"""What the watershed adds to the logit of its class on a stroke, and the distance at which it is 1/e of this,
as a share of the side of a square of the photo's area."""
SEED = 0


@dataclass(frozen=True)
class SeenPhoto:
    """A photo as suggestions see it: `pixels`, uint8 (3, H, W), H and W multiples of 32, and the encoder's
    `maps` of it, float16 (C, H / s, W / s) with s = 8, 8, 16, 32.
    """

    pixels: Tensor
    maps: list[Tensor]

    @classmethod
    def of(cls, path: Path, store: FeatureStore) -> Self:
        """ValueError names a file that is no photo."""
        pixels = sized_photo(path, SIZE)
        size = (pixels.shape[1], pixels.shape[2])
        return cls(pixels, store.maps(path, size, View().name, lambda: pixels))

    @property
    def features(self) -> Tensor:
        """What the encoder sees, at stride 8: float32 (C, H / 8, W / 8)."""
        return at_stride_8([one[None].float() for one in self.maps[:STRIDES]])[0]

    def finished(self, label_map: Path, table: ClassTable) -> Rows:
        """What can be learned from the photo's label map: a row for each labelled cell of 8×8 pixels, in an
        order of chance, with the shares of the classes as its targets. ValueError names the file.
        """
        _, height, width = self.pixels.shape
        shares = class_shares(sized_classes(label_map, table, height, width), len(table.names))
        colours = functional.avg_pool2d(self.pixels.float(), CELL)
        rows = torch.cat([self.features, _colour_and_place(colours)]).flatten(1).T
        labelled = shares.sum(dim=1).nonzero()[:, 0].numpy()
        order = torch.from_numpy(np.random.default_rng(SEED).permutation(labelled))
        return Rows(rows[order], shares[order])


@dataclass(frozen=True)
class Suggestion:
    """`label_map`, class indices uint8 (H, W), and `doubt`, uint8 (H, W): 255 times the probability that the
    class is another one, rounded.
    """

    label_map: NDArray[np.uint8]
    doubt: NDArray[np.uint8]


def suggest(
    photo: SeenPhoto, classes: int, finished: Sequence[Rows], strokes: NDArray[np.uint8]
) -> Suggestion:
    """The suggestion for a photo, of the size of `strokes`.

    `finished` are other photos' `SeenPhoto.finished`. `strokes`, uint8 (H, W), holds class indices below
    `classes`; other numbers mean that the pixel is unlabelled. Strokes keep their class. Only classes
    that occur in `finished` or `strokes` are suggested; ValueError if there are none. The same arguments give
    the same suggestion.
    """
    drawn = _at_size(strokes, photo.pixels.shape[1:])
    rows = _together(finished, _pixel_rows(photo, drawn, classes))
    present = rows.targets.any(dim=0).nonzero()[:, 0]
    if not len(present):
        raise ValueError("nothing to learn from: no finished photo, and no stroke")
    logits = _logits(photo, Rows(rows.features, rows.targets[:, present]))
    if (drawn < classes).any():
        _pull_to_strokes(logits, photo, drawn, present)
    found = decode_logits(logits, *strokes.shape)
    label_map = present.numpy().astype(np.uint8)[found.label_map]
    stroked = strokes < classes
    doubt = np.where(stroked, np.uint8(0), doubt_of(found.confidence))
    return Suggestion(np.where(stroked, strokes, label_map), doubt)


def doubt_of(confidence: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The doubt map of probabilities of the predicted classes, both (H, W): see `Suggestion`."""
    doubt: NDArray[np.uint8] = np.rint(255 * (1 - confidence)).astype(np.uint8)
    return doubt


def _at_size(strokes: NDArray[np.uint8], size: Sequence[int]) -> NDArray[np.uint8]:
    height, width = size
    return np.array(Image.fromarray(strokes).resize((width, height), Image.Resampling.NEAREST))


def _colour_and_place(colours_3hw: Tensor) -> Tensor:
    """Colours of 0 to 255 and positions as features, with their products: float32 (14, h, w)."""
    _, height, width = colours_3hw.shape
    red, green, blue = colours_3hw.float() / 255
    down = ((torch.arange(height) + 0.5) / height)[:, None].expand(height, width)
    right = ((torch.arange(width) + 0.5) / width).expand(height, width)
    products = [red * red, green * green, blue * blue, red * green, green * blue, red * blue]
    return torch.stack([red, green, blue, down, right, *products, down * down, right * right, down * right])


def _pixel_rows(photo: SeenPhoto, strokes: NDArray[np.uint8], classes: int) -> Rows:
    """A row for each pixel of strokes, or for MOST_PIXELS of them."""
    down, right = np.nonzero(strokes < classes)
    if len(down) > MOST_PIXELS:
        chosen = np.random.default_rng(SEED).choice(len(down), MOST_PIXELS, replace=False)
        down, right = down[np.sort(chosen)], right[np.sort(chosen)]
    height, width = strokes.shape
    # From −1 to 1 between the outer edges of the outermost pixels.
    places = np.stack([(2 * right + 1) / width - 1, (2 * down + 1) / height - 1], axis=1)
    grid = torch.from_numpy(places.astype(np.float32))[None, None]
    features = functional.grid_sample(photo.features[None], grid, align_corners=False, padding_mode="border")[
        0, :, 0
    ]
    by_pixel = _colour_and_place(photo.pixels)[:, down, right]
    targets = functional.one_hot(torch.from_numpy(strokes[down, right].astype(np.int64)), classes).float()
    return Rows(torch.cat([features, by_pixel]).T, targets)


def _together(finished: Sequence[Rows], strokes: Rows) -> Rows:
    """All rows, weighted. Rare classes of finished photos weigh more, as for `probe`; those of strokes do
    not, as people draw more of what is rare.
    """
    if not finished:
        return strokes
    each = MOST_CELLS // len(finished)
    targets = torch.cat([rows.targets[:each] for rows in finished])
    targets = targets * class_weights(targets.sum(dim=0))
    weight = STROKES_COUNT * targets.sum() / max(1, len(strokes.targets))
    return Rows(
        torch.cat([*(rows.features[:each] for rows in finished), strokes.features]),
        torch.cat([targets, strokes.targets * weight]),
    )


def _logits(photo: SeenPhoto, rows: Rows) -> Tensor:
    """What a regression on the rows says of every pixel: logits (classes, H, W)."""
    mean, std = standardisation(rows.features)
    solution = fit(Rows((rows.features - mean) / std, rows.targets), rounds=1)
    weight = solution.weight / std
    bias = solution.bias - weight @ mean
    seen = photo.features
    at_8 = torch.einsum("kc,chw->khw", weight[:, : len(seen)], seen)
    size = list(photo.pixels.shape[1:])
    logits = functional.interpolate(at_8[None], size, mode="bilinear", align_corners=False)[0]
    by_pixel = torch.einsum("kc,chw->khw", weight[:, len(seen) :], _colour_and_place(photo.pixels))
    return logits + by_pixel + bias[:, None, None]


def _pull_to_strokes(logits: Tensor, photo: SeenPhoto, strokes: NDArray[np.uint8], present: Tensor) -> None:
    """Add to each pixel's logit of the class whose stroke reaches it across the smallest steps of grey (a
    watershed, by the image foresting transform of Falcão et al. 2004); less, the farther the nearest stroke
    is.
    """
    grey = photo.pixels.float().mean(dim=0).round().numpy().astype(np.uint8)
    position = np.zeros(256, np.int32)
    position[present.numpy()] = np.arange(1, len(present) + 1)
    is_drawn = np.isin(strokes, present.numpy())
    reached = ndimage.watershed_ift(grey, np.where(is_drawn, position[strokes], 0)) - 1
    distance = ndimage.distance_transform_edt(~is_drawn)
    pull = PULL * np.exp(-distance / (REACH * np.sqrt(strokes.size)))
    logits.scatter_add_(
        0,
        torch.from_numpy(reached.astype(np.int64))[None],
        torch.from_numpy(pull.astype(np.float32))[None],
    )
