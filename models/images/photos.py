"""Photos and label maps as arrays, read without changing a class index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

MAX_PIXELS = 80_000_000  # below the size at which Pillow itself only warns of a decompression bomb
_PHOTO_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
_LABEL_MODES = {"1", "L", "P", "I;16"}
_SPREAD = {"L;2": 85, "L;4": 17}  # Pillow stretches 2- and 4-bit grey to 0…255; dividing restores the indices


def read_photo(path: Path) -> NDArray[np.uint8]:
    """RGB (H, W, 3) of an image file, turned upright as its EXIF orientation says.

    ValueError names the file when it is not a complete 8-bit image or is larger than 80 megapixels.
    """
    image, _ = _loaded(path)
    if image.mode not in _PHOTO_MODES:
        raise ValueError(f"{path.name} has pixels of mode {image.mode}; save it as 8-bit RGB")
    return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def read_label_map(path: Path) -> NDArray[np.uint8]:
    """Class indices (H, W) of a single-channel PNG (grey or palette, 1 to 16 bits), exactly as stored.

    ValueError names the file when it is not such a PNG or holds an index above 255.
    """
    image, packing = _loaded(path)
    if image.format != "PNG" or image.mode not in _LABEL_MODES:
        raise ValueError(
            f"{path.name} is {image.format} of mode {image.mode}; a label map is a single-channel PNG"
        )
    indices = np.asarray(image, dtype=np.int32) // _SPREAD.get(packing, 1)
    if indices.size and indices.max() > 255:
        raise ValueError(f"{path.name} holds class index {indices.max()}; the highest possible is 255")
    return indices.astype(np.uint8)


def write_label_map(path: Path, indices: NDArray[np.uint8]) -> None:
    """Write class indices (H, W) as an 8-bit grey PNG, which `read_label_map` reads back unchanged."""
    Image.fromarray(indices).save(path, format="PNG")


def _loaded(path: Path) -> tuple[Image.Image, str]:
    """A fully decoded image, and how its pixels were packed in the file."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width}×{image.height}"
                raise ValueError(f"{path.name} has {size} pixels, more than 80 megapixels")
            packing = image.tile[0].args if image.tile else image.mode
            image.load()
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path.name} is not a complete image: {error}") from error
    return image, str(packing)
