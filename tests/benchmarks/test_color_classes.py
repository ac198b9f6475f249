"""Classes made of the colours of label maps without classes."""

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.color_classes import derive
from models.experiments.dataset import Dataset
from models.images.photos import read_label_map, read_photo

COLORS = np.array([[230, 228, 220], [178, 208, 254], [244, 167, 52]])
SHARES = (0.6, 0.3, 0.1)


def test_main_colours_become_classes(tmp_path: Path) -> None:
    """Noisy label maps of three colours give these three classes, the most frequent first, and each pixel its
    own; photos and names stay.
    """
    random = np.random.default_rng(0)
    drawn = {}
    for split, count in (("train", 3), ("val", 2)):
        for kind in ("images", "labels"):
            (tmp_path / "rgb" / split / kind).mkdir(parents=True)
        for index in range(count):
            classes = random.choice(3, (40, 50), p=SHARES)
            noisy = (COLORS[classes] + random.integers(-5, 6, (40, 50, 3))).clip(0, 255)
            for kind in ("images", "labels"):
                path = tmp_path / "rgb" / split / kind / f"{index}.png"
                Image.fromarray(noisy.astype(np.uint8)).save(path)
            drawn[split, str(index)] = classes
    source = Dataset(tmp_path / "rgb")
    derive(source, 3, tmp_path / "out")
    derived = Dataset(tmp_path / "out")
    assert derived.class_table
    assert np.allclose(derived.class_table.colors, COLORS, atol=2)
    for (split, name), classes in drawn.items():
        assert np.array_equal(read_label_map(derived.label_map(split, name)), classes)
        assert np.array_equal(read_photo(derived.photo(split, name)), read_photo(source.photo(split, name)))
