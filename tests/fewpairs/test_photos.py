"""Finding image files."""

from pathlib import Path

import pytest

from fewpairs import FewpairsError
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
