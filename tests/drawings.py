"""A tiny data set with known truth: coloured shapes on a ground, with noise, and their label maps."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASS_TABLE: dict[str, Any] = {
    "ignore": 255,
    "classes": [
        {"name": "ground", "color": [0, 0, 200]},
        {"name": "block", "color": [200, 0, 0]},
        {"name": "disc", "color": [0, 200, 0]},
        {"name": "never drawn", "color": [250, 250, 250]},
    ],
}
HEIGHT, WIDTH = 48, 64


def drawing(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo (48, 64, 3) and its label map (48, 64); the label map ignores a strip at the bottom."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    top, left = rng.integers(2, 20), rng.integers(2, 30)
    labels[top : top + 20, left : left + 24] = 1
    labels[(y - rng.integers(12, 36)) ** 2 + (x - rng.integers(12, 52)) ** 2 < 80] = 2
    shades = np.array([[150, 160, 170], [90, 60, 50], [200, 190, 60]]) + rng.integers(-20, 20, (3, 3))
    photo = np.clip(shades[labels] + rng.normal(0, 12, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
    labels[-4:] = 255
    return photo, labels


def png(pixels: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write(folder: Path, seeds: range) -> None:
    """`folder/images/0007.png` and `folder/labels/0007.png` for seed 7."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for name, pixels in zip(("images", "labels"), drawing(seed), strict=True):
            (folder / name / f"{seed:04d}.png").write_bytes(png(pixels))
