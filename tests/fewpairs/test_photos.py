"""Finding image files, and painting label maps over photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewpairs import FewpairsError
from fewpairs.cli.overlay import blend
from fewpairs.photos import image_files


def test_image_files_are_found_below_and_hidden_ones_are_not(tmp_path: Path) -> None:
    """All images below a folder, in order; hidden files and folders and other files are left out."""
    for name in ("b.JPG", "a.png", "below/c.tiff", "notes.txt", "._a.png", ".cache/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert image_files(tmp_path) == [tmp_path / "a.png", tmp_path / "b.JPG", tmp_path / "below" / "c.tiff"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FewpairsError, match="holds no image"):
        image_files(tmp_path / "empty")


def test_an_overlay_draws_pixels_towards_their_class(tmp_path: Path) -> None:
    """Each pixel moves the same way from the photo to its class's colour; ignored pixels stay."""
    photo = np.full((2, 3, 3), 100, np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(np.array([[0, 1, 255]] * 2, np.uint8)).save(tmp_path / "labels.png")
    table = {"ignore": 255, "classes": [{"color": [0, 0, 0]}, {"color": [200, 100, 0]}]}
    pixels = np.asarray(blend(tmp_path / "photo.png", tmp_path / "labels.png", table))
    assert pixels[0, 0] == pytest.approx([45, 45, 45], abs=1)
    assert pixels[0, 1] == pytest.approx([155, 100, 45], abs=1)
    assert pixels[0, 2].tolist() == [100, 100, 100]
