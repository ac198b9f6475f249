"""Painting label maps over photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewpairs.cli.translate import blend


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
