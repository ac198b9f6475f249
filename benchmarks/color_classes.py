"""A data set with classes made of one whose label maps are RGB images: Maps, for example.

    python -m benchmarks.color_classes maps maps-classes --classes 5

k-means finds the colours that the train label maps mainly consist of. Each is a class, and every pixel gets
the class of the nearest one. Photos are linked, not copied.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from models.experiments.dataset import Dataset
from models.images.palette import ClassTable
from models.images.photos import read_photo, write_label_map

PIXELS = 500
"""Pixels of each label map that the colours are found from."""


def class_table_of(data: Dataset, classes: int, seed: int = 0) -> ClassTable:
    """A class for each of the main colours of the train label maps, the most frequent first."""
    random = np.random.default_rng(seed)
    pixels = np.concatenate([_some_pixels(data.label_map("train", name), random) for name in data.train])
    found = KMeans(classes, n_init=5, random_state=seed).fit(pixels)
    frequent = np.argsort(-np.bincount(found.labels_, minlength=classes))
    red, green, blue = found.cluster_centers_[frequent].round().astype(int).T.tolist()
    colors = tuple(zip(red, green, blue, strict=True))
    return ClassTable(tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colors), colors)


def derive(data: Dataset, classes: int, out: Path) -> None:
    """Write the data set with classes into the folder `out`."""
    table = class_table_of(data, classes)
    for split, names in (("train", data.train), ("val", data.val)):
        images, labels = out / split / "images", out / split / "labels"
        images.mkdir(parents=True)
        labels.mkdir()
        for name in names:
            photo = data.photo(split, name)
            (images / photo.name).symlink_to(photo)
            write_label_map(labels / f"{name}.png", table.decode(read_photo(data.label_map(split, name))))
    (out / "classes.json").write_text(json.dumps(table.to_json(), indent=1) + "\n", encoding="utf-8")


def _some_pixels(label_map: Path, random: np.random.Generator) -> NDArray[np.uint8]:
    pixels = read_photo(label_map).reshape(-1, 3)
    return pixels[random.choice(len(pixels), min(PIXELS, len(pixels)), replace=False)]


def main() -> None:
    """Parse the command line and derive."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.color_classes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--classes", type=int, default=5)
    arguments = parser.parse_args()
    derive(Dataset(arguments.data), arguments.classes, arguments.out)


if __name__ == "__main__":
    main()
