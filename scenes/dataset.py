"""Writes scenes as a data set: photos as JPEG, label maps as single-channel PNG, and the class table."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from models.images.photos import write_label_map
from scenes.classes import CLASSES
from scenes.distributions import distribution_named
from scenes.scene import draw

JPEG_QUALITY = 92
TEST_SHARE = 0.25


def held_out(count: int, seed: int, share: float = TEST_SHARE) -> set[int]:
    """The scenes of `count` that are for tests, by their places: a `share`, drawn with the seed."""
    return set(np.random.default_rng(seed).permutation(count)[: round(count * share)].tolist())


def write(
    directory: Path,
    count: int,
    seed: int,
    test_share: float = TEST_SHARE,
    *,
    size: tuple[int, int] = (192, 256),
    distribution: str = "own",
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draws `count` scenes into `directory`/{train,val}/{images,labels}/NNNNN.{jpg,png}.

    Scene NNNNN is `draw(seed, NNNNN, size, distribution)`. A random `test_share` of the scenes goes to `val`;
    the choice depends only on the seed and `count`. `on_progress(done, total)` is called after each scene.
    Raises ValueError.
    """
    if count < 1:
        raise ValueError(f"At least one scene must be drawn, not {count}.")
    if not 0 <= test_share <= 1:
        raise ValueError(f"The share of test scenes must be from 0 to 1, not {test_share}.")
    distribution_named(distribution)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (directory / split / kind).mkdir(parents=True, exist_ok=True)
    (directory / "classes.json").write_text(json.dumps(CLASSES, indent=1) + "\n")
    test = held_out(count, seed, test_share)
    for index in range(count):
        scene = draw(seed, index, size, distribution)
        folder = directory / ("val" if index in test else "train")
        photo = folder / "images" / f"{index:05d}.jpg"
        Image.fromarray(scene.photo).save(photo, quality=JPEG_QUALITY)
        write_label_map(folder / "labels" / f"{index:05d}.png", scene.label_map)
        if on_progress is not None:
            on_progress(index + 1, count)
