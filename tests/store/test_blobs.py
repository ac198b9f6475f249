"""Blobs: bytes that are kept are complete and durable."""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.blobs import (
    ABANDONED_S,
    Blob,
    BlobDamaged,
    BlobMissing,
    LocalBlobs,
    open_blobs,
    put,
    put_file,
    read,
)


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def files(blobs: LocalBlobs) -> list[str]:
    return sorted(str(path.relative_to(blobs.root)) for path in blobs.root.rglob("*") if path.is_file())


def test_a_blob_is_found_by_its_digest(blobs: LocalBlobs, tmp_path: Path) -> None:
    """The digest is SHA-256 of all bytes; the file is read-only and the only one left."""
    content = os.urandom(3_000_000)
    digest = hashlib.sha256(content).hexdigest()
    path = tmp_path / "file"
    path.write_bytes(content)
    assert put(blobs, [content[:7], content[7:]]) == put_file(blobs, path) == Blob(digest, len(content))
    with blobs.open(digest) as file:
        assert file.read() == content
    assert files(blobs) == [f"{digest[:2]}/{digest}"]
    assert blobs.path(digest).stat().st_mode & 0o222 == 0


def test_what_is_not_kept_is_dropped(blobs: LocalBlobs) -> None:
    """Bytes that were refused, or whose writer failed, leave nothing behind."""
    with blobs.incoming() as incoming:
        incoming.write(b"refused")
        incoming.flush()
        assert incoming.path.read_bytes() == b"refused"

    def failing() -> Iterator[bytes]:
        yield b"failed"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        put(blobs, failing())
    assert files(blobs) == []
    with pytest.raises(BlobMissing, match=f"The blob {'0' * 64} is not at {blobs.root}"):
        blobs.open("0" * 64)


def test_bytes_are_durable_before_keep_returns(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it gets its name, and the folder of that name afterwards."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"sync {os.readlink(f'/proc/self/fd/{descriptor}')}")

    def noting_replace(source: Path, target: Path) -> None:
        replace(source, target)
        done.append(f"rename {source}")

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    with blobs.incoming() as incoming:
        incoming.write(b"one")
        kept = blobs.path(incoming.keep().sha256)
    assert done == [f"sync {incoming.path}", f"rename {incoming.path}", f"sync {kept.parent}"]


def test_a_crash_before_the_rename_leaves_no_blob(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete file never has a blob's name."""

    def crash(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        put(blobs, [b"one"])
    assert files(blobs) == []


def test_abandoned_files_are_dropped(tmp_path: Path) -> None:
    """Files that a killed process left are deleted after a day; files that are being written stay."""
    blobs = LocalBlobs(tmp_path)
    old, young = tmp_path / "incoming" / "old", tmp_path / "incoming" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    long_ago = time.time() - ABANDONED_S - 60
    os.utime(old, (long_ago, long_ago))
    LocalBlobs(tmp_path).drop_abandoned()
    assert files(blobs) == ["incoming/young"]


def test_the_same_bytes_kept_at_once_are_one_blob(blobs: LocalBlobs) -> None:
    """Threads that keep the same bytes do not disturb each other."""
    with ThreadPoolExecutor(8) as threads:
        kept = set(threads.map(lambda _: put(blobs, [b"same"]), range(32)))
    [blob] = kept
    assert files(blobs) == [f"{blob.sha256[:2]}/{blob.sha256}"]


def test_fetching_gives_a_private_copy(blobs: LocalBlobs, tmp_path: Path) -> None:
    """The file at the given path has the bytes; writing into it or deleting it does not change the blob."""
    blob = put(blobs, [b"one"])
    blobs.fetch(blob.sha256, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"one"
    (tmp_path / "copy").write_bytes(b"two")
    (tmp_path / "copy").unlink()
    with blobs.open(blob.sha256) as file:
        assert file.read() == b"one"


def test_changed_bytes_are_noticed(blobs: LocalBlobs, tmp_path: Path) -> None:
    """A blob with a changed byte is neither fetched nor read, and the same bytes kept again heal it."""
    blob = put(blobs, [b"one"])
    blobs.path(blob.sha256).chmod(0o644)
    blobs.path(blob.sha256).write_bytes(b"onf")
    with pytest.raises(BlobDamaged, match=blob.sha256):
        blobs.fetch(blob.sha256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(BlobDamaged):
        read(blobs, blob.sha256)
    put(blobs, [b"one"])
    assert read(blobs, blob.sha256) == b"one"


def test_an_unknown_kind_of_store_is_refused(tmp_path: Path) -> None:
    """The error for another kind of URL says what to give; a path with unusual characters works."""
    with pytest.raises(ValueError, match="file:///"):
        open_blobs("ftp://example.org/blobs")
    odd = tmp_path / "größe 1"
    put(open_blobs(odd.as_uri()), [b"one"])
    assert (odd / "incoming").is_dir()


def test_bytes_held_for_a_job_are_dropped_by_name(blobs: LocalBlobs, tmp_path: Path) -> None:
    """Held bytes can be fetched by name several times; dropping them does not drop an equal blob."""
    kept = put(blobs, [b"photo"])
    names = []
    for _ in range(2):
        with blobs.incoming() as incoming:
            incoming.write(b"photo")
            assert incoming.sha256 == kept.sha256
            names.append(incoming.hold())
    assert files(blobs) == sorted([f"{kept.sha256[:2]}/{kept.sha256}", *(f"held/{name}" for name in names)])
    blobs.fetch(names[0], tmp_path / "first")
    blobs.drop(names[0])
    blobs.drop(names[0])
    blobs.fetch(names[1], tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes() == b"photo"
    with pytest.raises(BlobMissing):
        blobs.fetch(names[0], tmp_path / "again")
    with blobs.open(kept.sha256) as file:
        assert file.read() == b"photo"


def test_held_bytes_are_dropped_after_a_day(blobs: LocalBlobs) -> None:
    """Older bytes that no job dropped are deleted; younger ones stay."""
    names = []
    for _ in range(3):
        with blobs.incoming() as incoming:
            incoming.write(b"photo")
            names.append(incoming.hold())
        if len(names) == 1:
            old = time.time() - ABANDONED_S - 60
            os.utime(blobs.root / "held" / names[0], (old, old))
    blobs.drop_abandoned()
    assert files(blobs) == sorted(f"held/{name}" for name in names[1:])


def test_what_is_derived_goes_with_its_blob(tmp_path: Path) -> None:
    """It is there until the blob is removed, and nothing is kept for a blob that is not there."""
    store = LocalBlobs(tmp_path)
    blob = put(store, [b"photo"])
    assert store.derived(blob.sha256, "256.jpg") is None
    store.keep_derived(blob.sha256, "256.jpg", b"small")
    assert store.derived(blob.sha256, "256.jpg") == b"small"
    store.remove(blob.sha256)
    assert store.derived(blob.sha256, "256.jpg") is None
    store.keep_derived(blob.sha256, "256.jpg", b"small")
    assert store.derived(blob.sha256, "256.jpg") is None
