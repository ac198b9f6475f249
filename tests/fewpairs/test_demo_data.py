"""How the demo reads a folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewpairs import FewpairsError
from fewpairs.demo.data import read_data
from tests import drawings


def write_classes(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps(drawings.CLASS_TABLE))


def test_train_and_val_are_taken_as_they_are(tmp_path: Path) -> None:
    """With train/ and val/, val is the test split; each photo is paired with the label map of its stem."""
    drawings.write(tmp_path / "train", range(5))
    drawings.write(tmp_path / "val", range(5, 8))
    write_classes(tmp_path)
    data = read_data(tmp_path, tmp_path / "demo")
    assert [photo.name for photo, _ in data.test] == ["val/0005.png", "val/0006.png", "val/0007.png"]
    assert all(photo.name == label.name for photo, label in data.train + data.test)
    assert data.class_table == drawings.CLASS_TABLE


def test_one_folder_is_split_once_and_for_all(tmp_path: Path) -> None:
    """Without splits a quarter becomes the test split, always the same one; no photo is in both."""
    drawings.write(tmp_path, range(12))
    write_classes(tmp_path)
    first, again = (read_data(tmp_path, tmp_path / "demo") for _ in range(2))
    assert len(first.test) == 3
    assert len(first.train) == 9
    assert not {photo for photo, _ in first.test} & {photo for photo, _ in first.train}
    assert (first.train, first.test) == (again.train, again.test)


def test_unpaired_label_maps_do_not_tell_their_photos(tmp_path: Path) -> None:
    """The unpaired label maps are the train photos' own bytes, in another order under other names."""
    drawings.write(tmp_path, range(12))
    write_classes(tmp_path)
    data = read_data(tmp_path, tmp_path / "demo")
    own = [label.path.read_bytes() for _, label in data.train]
    unpaired = [path.read_bytes() for path in data.unpaired]
    assert sorted(own) == sorted(unpaired)
    assert own != unpaired
    assert not {path.stem for path in data.unpaired} & {label.path.stem for _, label in data.train}
    assert any("label" in note and "paper" in note for note in data.notes)


def test_photos_without_label_maps_are_left_out_and_counted(tmp_path: Path) -> None:
    """Photos without a label map are not used, and a note gives their number."""
    drawings.write(tmp_path, range(12))
    write_classes(tmp_path)
    (tmp_path / "labels" / "0003.png").unlink()
    data = read_data(tmp_path, tmp_path / "demo")
    assert len(data.train) + len(data.test) == 11
    assert any(note.startswith("1 photos without") for note in data.notes)


def test_colour_label_images_make_an_rgb_pool(tmp_path: Path) -> None:
    """Label maps with colour channels and no classes.json mean an `rgb` pool."""
    drawings.write(tmp_path, range(4))
    for path in (tmp_path / "labels").iterdir():
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    assert read_data(tmp_path, tmp_path / "demo").class_table == "rgb"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """Class ids without classes.json, no labels, no pairs, other folders: each ends in its own sentence."""
    drawings.write(tmp_path / "ids", range(4))
    (tmp_path / "bare" / "images").mkdir(parents=True)
    drawings.write(tmp_path / "other", range(4))
    for path in (tmp_path / "other" / "labels").iterdir():
        path.rename(path.with_stem(f"drawing-{path.stem}"))
    said = {
        "ids": "classes.json",
        "bare": "no folder labels",
        "other": "has the name of a photo",
        "": "not have the folders",
    }
    for folder, sentence in said.items():
        with pytest.raises(FewpairsError, match=sentence):
            read_data(tmp_path / folder, tmp_path / "demo")
