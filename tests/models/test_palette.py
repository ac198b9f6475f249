from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from models.images import palette
from models.images.palette import ClassTable

TABLE = ClassTable(("sky", "road", "car"), ((128, 128, 128), (128, 64, 128), (0, 0, 142)), ignore=7)


def test_decode_inverts_encode() -> None:
    """A label map survives being coloured and decoded, for every class."""
    label_map = np.random.default_rng(0).integers(0, 3, size=(9, 7), dtype=np.uint8)
    assert np.array_equal(TABLE.decode(TABLE.encode(label_map)), label_map)


def test_ignored_pixels_are_black() -> None:
    """Ignored pixels turn black, the others their class colour."""
    rgb = TABLE.encode(np.array([[0, 7, 2]], dtype=np.uint8))
    assert rgb.tolist() == [[[128, 128, 128], [0, 0, 0], [0, 0, 142]]]


def test_encode_names_an_unknown_index() -> None:
    """The error for an index that is neither a class nor ignore names the index."""
    with pytest.raises(ValueError, match="class index 3 is unknown"):
        TABLE.encode(np.array([[0, 3]], dtype=np.uint8))


@pytest.mark.parametrize("band", [2**20, 500, 1])
def test_decode_is_the_nearest_colour_by_brute_force(monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    """Classes and doubtful pixels equal an exhaustive float64 search over all class colours, in
    every band.
    """
    monkeypatch.setattr(palette, "_BAND", band)
    rgb = np.random.default_rng(1).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)
    distances = np.linalg.norm(rgb[:, :, None].astype(float) - np.array(TABLE.colors, dtype=float), axis=3)
    nearest, second = np.sort(distances, axis=2)[:, :, :2].transpose(2, 0, 1)
    indices, doubtful = TABLE.decode_with_doubt(rgb)
    assert np.array_equal(indices, distances.argmin(axis=2))
    assert np.array_equal(doubtful, nearest > 0.8 * second)
    assert 0.05 < doubtful.mean() < 0.95


def test_decoding_a_large_photo_takes_little_memory() -> None:
    """Decoding four megapixels in 19 classes takes less than 50 MB in addition to the result."""
    table = ClassTable(tuple(map(str, range(19))), tuple((13 * n, 255 - n, 7 * n) for n in range(19)))
    rgb = np.zeros((2048, 2048, 3), dtype=np.uint8)
    tracemalloc.start()
    table.decode_with_doubt(rgb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - 2 * rgb[..., 0].size < 50e6


def test_equally_near_classes_go_to_the_first() -> None:
    """A tie is decoded as the class that comes first, and is doubtful."""
    indices, doubtful = TABLE.decode_with_doubt(np.array([[[128, 96, 128]]], dtype=np.uint8))
    assert indices.item() == 0
    assert doubtful.item()


def test_a_single_class_is_never_doubtful() -> None:
    """With a single class no pixel is doubtful."""
    table = ClassTable(("all",), ((0, 0, 0),))
    indices, doubtful = table.decode_with_doubt(np.full((2, 2, 3), 255, dtype=np.uint8))
    assert not indices.any()
    assert not doubtful.any()


def test_json_round_trip() -> None:
    """A class table survives the way to JSON and back; ignore is 255 by default."""
    assert ClassTable.from_json(TABLE.to_json()) == TABLE
    assert ClassTable.from_json({"classes": [{"name": "a", "color": [1, 2, 3]}]}).ignore == 255


@pytest.mark.parametrize(
    "value",
    [
        {"classes": []},
        {"classes": [{"name": "a"}]},
        {"classes": [{"name": "a", "color": [1, 2]}]},
        {"classes": [{"name": "a", "color": [1, 2, 256]}]},
        {"classes": [{"name": "a", "color": [1, 2, 3]}, {"name": "b", "color": [1, 2, 3]}]},
        {"classes": [{"name": "a", "color": [1, 2, 3]}], "ignore": 0},
        {"classes": [{"name": "a", "color": [1, 2, 3]}], "ignore": 256},
        {"classes": 3},
    ],
)
def test_a_table_that_cannot_be_read_back_is_refused(value: dict[str, object]) -> None:
    """Tables that are incomplete, or in which two classes could be confused, raise ValueError."""
    with pytest.raises(ValueError, match=r"class|colour|ignore"):
        ClassTable.from_json(value)
