from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.encoders import read_square
from models.images.photos import read_label_map, read_photo, write_label_map
from tests import photo_kinds


def png(bits: int, color_type: int, row: bytes, width: int, height: int = 1) -> bytes:
    """A PNG of one row written by hand, to have bit depths that Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(0, 240, 5))) if color_type == 3 else b""
    data = chunk(b"IDAT", zlib.compress(b"\0" + row))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("color_type", [0, 3], ids=["grey", "palette"])
@pytest.mark.parametrize(
    ("bits", "row", "indices"),
    [
        (1, bytes([0b00011011]), [0, 0, 0, 1, 1, 0, 1, 1]),
        (2, bytes([0b00011011]), [0, 1, 2, 3]),
        (4, bytes([0x1B]), [1, 11]),
        (8, bytes([0, 1, 5, 15]), [0, 1, 5, 15]),
    ],
)
def test_label_maps_of_every_depth_keep_their_indices(
    tmp_path: Path, color_type: int, bits: int, row: bytes, indices: list[int]
) -> None:
    """Grey and palette PNGs of 1, 2, 4 and 8 bits are read as the indices that they store."""
    path = tmp_path / "label.png"
    path.write_bytes(png(bits, color_type, row, len(indices)))
    assert read_label_map(path).tolist() == [indices]


def test_a_16_bit_label_map_keeps_its_indices(tmp_path: Path) -> None:
    """16-bit indices are read unchanged; the error for an index above 255 names the index."""
    path = tmp_path / "label.png"
    path.write_bytes(png(16, 0, struct.pack(">HH", 3, 255), 2))
    assert read_label_map(path).tolist() == [[3, 255]]
    path.write_bytes(png(16, 0, struct.pack(">HH", 3, 300), 2))
    with pytest.raises(ValueError, match=r"label\.png holds class index 300"):
        read_label_map(path)


@pytest.mark.parametrize(("mode", "name"), [("RGB", "a.png"), ("LA", "a.png"), ("L", "a.jpg")])
def test_other_images_are_not_label_maps(tmp_path: Path, mode: str, name: str) -> None:
    """Colour, alpha and JPEG are refused: none of them stores class indices reliably."""
    Image.new(mode, (4, 4)).save(tmp_path / name)
    with pytest.raises(ValueError, match=r"a label map is a single-channel PNG"):
        read_label_map(tmp_path / name)


def test_written_label_maps_read_back(tmp_path: Path) -> None:
    """`write_label_map` and `read_label_map` are inverse for all 256 indices."""
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_label_map(tmp_path / "label.png", indices)
    assert np.array_equal(read_label_map(tmp_path / "label.png"), indices)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_photos_read_as_they_are_seen(tmp_path: Path) -> None:
    """Photos of all kinds are upright and have the right colours, in pixels and as an encoder sees them."""
    Image.fromarray(photo_kinds.seen()).save(tmp_path / "seen.png")
    seen = read_square(tmp_path / "seen.png").astype(int)
    for name, make in photo_kinds.TAKEN.items():
        kind = make()
        (tmp_path / "photo").write_bytes(kind.content)
        photo = read_photo(tmp_path / "photo")
        assert np.abs(photo.astype(int) - photo_kinds.seen()).max() <= kind.tolerance, name
        assert np.abs(read_square(tmp_path / "photo") - seen).max() <= kind.tolerance + 1, name


def test_grey_and_transparent_photos_become_rgb(tmp_path: Path) -> None:
    """Grey repeats in three channels; transparency is dropped."""
    Image.new("L", (2, 2), 9).save(tmp_path / "grey.png")
    Image.new("RGBA", (2, 2), (1, 2, 3, 0)).save(tmp_path / "clear.png")
    assert read_photo(tmp_path / "grey.png")[0, 0].tolist() == [9, 9, 9]
    assert read_photo(tmp_path / "clear.png")[0, 0].tolist() == [1, 2, 3]


def test_unreadable_photos_are_named(tmp_path: Path) -> None:
    """Truncated, 16-bit, oversized and foreign files raise ValueError with the file's name."""
    noise = np.random.default_rng(0).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:2000])
    (tmp_path / "text.jpg").write_text("no image")
    Image.fromarray(noise[:, :, 0].astype(np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "huge.png").write_bytes(png(8, 0, bytes(16_000), width=16_000, height=16_000))
    for name in ("cut.jpg", "text.jpg", "deep.png", "huge.png"):
        with pytest.raises(ValueError, match=name):
            read_photo(tmp_path / name)


def test_the_machines_faults_are_no_damaged_photos(tmp_path: Path) -> None:
    """What the system says about a path, here that it is a folder, is raised unchanged."""
    with pytest.raises(IsADirectoryError):
        read_photo(tmp_path)


def test_a_photo_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit, lowered here to 12 pixels, is itself allowed; one pixel more is refused."""
    monkeypatch.setattr("models.images.photos.MAX_PIXELS", 12)
    Image.new("RGB", (4, 3)).save(tmp_path / "fits.png")
    Image.new("RGB", (13, 1)).save(tmp_path / "large.png")
    assert read_photo(tmp_path / "fits.png").shape == (3, 4, 3)
    with pytest.raises(ValueError, match=r"large\.png has 13×1 pixels"):
        read_photo(tmp_path / "large.png")
