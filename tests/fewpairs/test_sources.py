"""Which files of a folder or archive are meant, and what is said about the others."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest

from fewpairs import FewpairsError
from fewpairs.sources import find
from tests import file_kinds as kinds


def test_images_are_found_below_and_everything_else_is_accounted_for(tmp_path: Path) -> None:
    """By suffix or by first bytes, in order; hidden files are counted, other files and dead links named."""
    for name in ("b.JPG", "a.png", "below/c.tiff", "notes.txt", "._a.png", ".cache/d.png", "below/Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "IMG_1").write_bytes(kinds.photo(0))
    (tmp_path / "dead.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    with find(tmp_path) as found:
        assert [file.name for file in found.files] == ["IMG_1", "a.png", "b.JPG", "below/c.tiff"]
        skipped = {refusal.path.name: refusal.type for refusal in found.skipped}
        assert skipped == {"notes.txt": "not-an-image", "dead.png": "unreadable", "pipe.png": "special-file"}
        assert found.junk == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(FewpairsError, match="holds no image"):
        find(tmp_path / "empty")


def test_links_to_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    """A link to a folder elsewhere is a folder; a link to a folder above is named and not followed."""
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "a.png").touch()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "deep" / "back").symlink_to(tmp_path / "elsewhere")
    with find(tmp_path / "set") as found:
        assert [file.name for file in found.files] == ["again/a.png", "linked/deep/a.png"]
        assert {refusal.type for refusal in found.skipped} == {"loop"}


def test_bytes_come_from_archives_as_they_were_packed(tmp_path: Path) -> None:
    """A file of a zip or a tar, also a compressed one, yields its own bytes, any number of times and side by
    side."""
    files = {f"day{n}/{n}.png": kinds.photo(n) for n in range(3)}
    tar = kinds.tar(*(kinds.tar_entry(*each) for each in files.items()))
    archives = {
        "a.zip": kinds.zipped(files),
        "a.tar": tar,
        "a.tar.gz": gzip.compress(tar),
        "a.TGZ": gzip.compress(tar),
        "a.tar.bz2": bz2.compress(tar),
        "a.tar.xz": lzma.compress(tar),
    }
    for archive, content in archives.items():
        (tmp_path / archive).write_bytes(content)
        with find(tmp_path / archive, under="sent") as found:
            readers = [file.read() for file in found.files]
            for file, reader in zip(reversed(found.files), reversed(readers), strict=True):
                name = file.name.removeprefix("sent/")
                assert b"".join(file.read()) == b"".join(reader) == files[name]
                assert file.path == tmp_path / archive / name
            assert len(found.files) == 3


def test_a_damaged_compressed_tar_is_named(tmp_path: Path) -> None:
    """A .tar.gz that was copied in part is refused with its name and a sentence."""
    packed = gzip.compress(kinds.tar(kinds.tar_entry("a.png", kinds.photo(0))))
    (tmp_path / "a.tar.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FewpairsError, match=r"a\.tar\.gz: The archive cannot be read"):
        find(tmp_path / "a.tar.gz")


def test_a_name_that_is_not_utf8_is_refused_alone(tmp_path: Path) -> None:
    """A file whose name has bytes of an older encoding is named with them; the others are found."""
    (tmp_path / "a.png").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).touch()
    with find(tmp_path) as found:
        assert [file.name for file in found.files] == ["a.png"]
        [refusal] = found.rejected
        assert (refusal.type, "63 61 66 e9" in refusal.reason) == ("invalid-name", True)
