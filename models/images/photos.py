"""Reads photos and label maps from image files, and writes label maps."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.images.palette import ClassTable
from models.images.seen import MAX_PIXELS, in_rgb, orientation, turned

_LARGE = 80_000_000
_PHOTO_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "LAB", "YCbCr"}
_LABEL_MODES = {"1", "L", "P", "I;16"}
_STRETCH = {"L;2": 85, "L;4": 17}  # Pillow stretches 2- and 4-bit grey to 0…255; dividing undoes it

RGB = NDArray[np.uint8]


def read_photo(path: Path) -> RGB:
    """RGB (H, W, 3) of an image file as people see it: upright, with the colours of its profile.

    ValueError names the file when it is not a complete 8-bit image or is larger than 250 megapixels.
    """
    return upright(*decode_photo(path))


def decode_photo(path: Path, least_side: int | None = None) -> tuple[RGB, int]:
    """RGB (H, W, 3) of an image file as it is stored, and the EXIF orientation that `upright` takes.

    With `least_side` a large JPEG is decoded at a half, a quarter or an eighth of its size, if each side
    keeps that many pixels: this takes a fraction of the time. Other photos above 80 megapixels are averaged
    to a fraction of their size, so that they take no more memory than smaller ones. Raises as `read_photo`
    does.
    """
    image, _ = _loaded(path, least_side)
    if image.mode not in _PHOTO_MODES:
        raise ValueError(f"{path.name} has pixels of mode {image.mode}; save it as 8-bit RGB")
    rgb = in_rgb(image)
    if least_side and image.width * image.height > _LARGE:
        rgb = rgb.reduce(max(1, min(image.size) // least_side))
    return np.array(rgb), orientation(image)


def upright(rgb: RGB, orientation: int) -> RGB:
    """The photo (H, W, 3) turned and mirrored as its EXIF orientation, 1 to 8, says."""
    return rgb if orientation == 1 else np.array(turned(Image.fromarray(rgb), orientation))


def read_label_map(path: Path) -> NDArray[np.uint8]:
    """Class indices (H, W) of a single-channel PNG (grey or palette, 1 to 16 bits), exactly as stored.

    ValueError names the file when it is not such a PNG or holds an index above 255.
    """
    image, packing = _loaded(path)
    if image.format != "PNG" or image.mode not in _LABEL_MODES:
        raise ValueError(
            f"{path.name} is {image.format} of mode {image.mode}; a label map is a single-channel PNG"
        )
    indices = np.asarray(image, dtype=np.int32) // _STRETCH.get(packing, 1)
    if indices.size and indices.max() > 255:
        raise ValueError(f"{path.name} holds class index {indices.max()}; the highest possible is 255")
    return indices.astype(np.uint8)


def colors_disagree(path: Path, class_table: ClassTable) -> bool:
    """Whether a label map is a palette image in which a class's colour stands at another class's number.

    Drawing programs order palettes as they like. ValueError as for `read_label_map`.
    """
    with Image.open(path) as image:
        palette = image.getpalette("RGB") if image.mode == "P" else None
    if not palette:
        return False
    positions = {color: index for index, color in enumerate(class_table.colors)}
    colors = enumerate(zip(*[iter(palette)] * 3, strict=False))
    elsewhere = [
        index
        for index, color in colors
        if positions.get(color, index) != index and index != class_table.ignore
    ]
    return bool(elsewhere) and bool(np.isin(read_label_map(path), elsewhere).any())


def write_label_map(path: Path, indices: NDArray[np.uint8]) -> None:
    """Write class indices (H, W) as an 8-bit grey PNG, which `read_label_map` reads back unchanged."""
    Image.fromarray(indices).save(path, format="PNG")


def read_target(path: Path, class_table: ClassTable | None) -> NDArray[np.uint8]:
    """What a translator of photos should draw: a label map as `ClassTable.draw` colours it, RGBA (H, W, 4),
    or without a class table the image itself, RGB (H, W, 3). ValueError names the file.
    """
    if class_table is None:
        return read_photo(path)
    try:
        return class_table.draw(read_label_map(path))
    except ValueError as error:
        raise ValueError(f"label map {path.name}: {error}") from error


def resized(
    image: NDArray[np.uint8], height: int, width: int, resampling: Image.Resampling
) -> NDArray[np.uint8]:
    """RGB (H, W, 3) or RGBA (H, W, 4) at another size; shrinking averages over all pixels, except with
    NEAREST. Colours are weighted by their opacity, so the colour of transparent pixels does not count.
    """
    return np.array(Image.fromarray(image).resize((width, height), resampling))


def _loaded(path: Path, least_side: int | None = None) -> tuple[Image.Image, str]:
    """A decoded image, and how its pixels are packed in the file.

    ValueError names a file that is no complete image; OSError and MemoryError are the machine's fault.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            packing = image.tile[0].args if image.tile else image.mode
            if width * height <= MAX_PIXELS:
                if least_side:
                    image.draft("RGB", (least_side, least_side))
                image.load()
    except Exception as error:  # a damaged file raises whatever its format's parser trips over
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise
        raise ValueError(f"{path.name} is not a complete image: {error}") from error
    if width * height > MAX_PIXELS:
        raise ValueError(f"{path.name} has {width}×{height} pixels, more than 250 megapixels")
    return image, str(packing)
