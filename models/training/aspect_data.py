"""The pairs and photos of a training, each at its own aspect."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.images.aspect import working_size
from models.images.palette import ClassTable
from models.images.photos import read_label_map, read_photo, resized
from models.images.tensors import to_tensor
from models.training.data import Pair


def sized_photo(path: Path, size: int) -> Tensor:
    """A photo at its working size of about `size`² pixels: uint8 (3, H, W). ValueError names the file."""
    photo = read_photo(path)
    height, width = working_size(photo.shape[0], photo.shape[1], size)
    return to_tensor(resized(photo, height, width, Image.Resampling.BICUBIC))


def sized_classes(path: Path, class_table: ClassTable, height: int, width: int) -> Tensor:
    """A label map's class indices at that size, by nearest neighbour: uint8 (H, W). ValueError names the
    file.
    """
    classes = read_label_map(path)
    try:
        class_table.check(classes)
    except ValueError as error:
        raise ValueError(f"label map {path.name}: {error}") from error
    image = Image.fromarray(classes).resize((width, height), Image.Resampling.NEAREST)
    return torch.from_numpy(np.array(image))


def sized_pair(pair: Pair, class_table: ClassTable, size: int) -> tuple[Tensor, Tensor]:
    """A photo, uint8 (3, H, W), and its class indices, uint8 (H, W), at the photo's working size."""
    photo = sized_photo(pair[0], size)
    return photo, sized_classes(pair[1], class_table, photo.shape[1], photo.shape[2])


def common_size(photos: Sequence[Tensor], size: int) -> tuple[int, int]:
    """Height and width of crops of about `size`² pixels, with the median aspect of photos (3, H, W)."""
    aspects = sorted(photo.shape[1] / photo.shape[2] for photo in photos)
    aspect = aspects[len(aspects) // 2]
    return working_size(round(1024 * aspect), 1024, size)
