"""Blobs as files in a folder."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from store.blobs.contract import ABANDONED_S, Blob, BlobDamaged, BlobMissing, Blobs
from store.blobs.transfer import CHUNK, digest_of

MOST_AT_ONCE = 1024 * CHUNK
HELD = "held-"
"""The prefix of the names of held bytes; no digest begins with it."""


def open_blobs(url: str) -> Blobs:
    """The store at a `file:///…` URL."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(f"FEWPAIRS_BLOB_URL={url} is not supported: give a file:///absolute/folder URL")
    return LocalBlobs(folder_of(url))


def folder_of(url: str) -> Path:
    """The folder of the store at a `file:///…` URL."""
    return Path(unquote(urlsplit(url).path))


def is_empty(folder: Path) -> bool:
    """Whether no blob is in the folder, which may be no store yet."""
    return not any(folder.glob("[0-9a-f][0-9a-f]/*"))


class LocalBlobs:
    """Files at `root/ab/abcdef…`. Each is written to `root/incoming`, synced and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._arriving = root / "incoming"
        self._arriving.mkdir(parents=True, exist_ok=True)
        self._held = root / "held"
        self._held.mkdir(exist_ok=True)
        for prefix in range(256):
            (root / f"{prefix:02x}").mkdir(exist_ok=True)
        _sync_folder(root)
        _sync_folder(root.parent)

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def held_path(self, name: str) -> Path:
        return self._held / name

    @contextmanager
    def incoming(self) -> Iterator["LocalIncoming"]:
        with tempfile.NamedTemporaryFile(dir=self._arriving, delete=False) as file:
            arriving = LocalIncoming(self, file)
            try:
                yield arriving
            finally:
                arriving.path.unlink(missing_ok=True)

    def open(self, sha256: str) -> BinaryIO:
        with self._found(sha256):
            return self._place(sha256).open("rb")

    def fetch(self, sha256: str, destination: Path) -> None:
        with self.open(sha256) as source, destination.open("xb") as copy:
            _copy(source, copy)
        if not sha256.startswith(HELD) and digest_of(destination) != sha256:
            destination.unlink()
            raise BlobDamaged(sha256)

    def _place(self, name: str) -> Path:
        return self.held_path(name) if name.startswith(HELD) else self.path(name)

    @contextmanager
    def _found(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise BlobMissing(f"The blob {name} is not at {self.root}.") from error

    def require(self, *digests: str) -> None:
        for digest in digests:
            if not self.path(digest).exists():
                raise BlobMissing(f"The blob {digest} is not at {self.root}.")

    def derived_path(self, sha256: str, kind: str) -> Path:
        return self.root / "derived" / sha256[:2] / f"{sha256}.{kind}"

    def derived(self, sha256: str, kind: str) -> bytes | None:
        try:
            return self.derived_path(sha256, kind).read_bytes()
        except FileNotFoundError:
            return None

    def keep_derived(self, sha256: str, kind: str, content: bytes) -> None:
        path = self.derived_path(sha256, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.incoming() as arriving:
            arriving.write(content)
            arriving.place(path)
        if not self.path(sha256).exists():  # it was removed in the meantime
            path.unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        for derived in self.derived_path(sha256, "").parent.glob(f"{sha256}.*"):
            derived.unlink(missing_ok=True)
        _sync_folder(path.parent)

    @contextmanager
    def kept(self) -> Iterator[None]:
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def removable(self) -> Iterator[bool]:
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def drop(self, held: str) -> None:
        self.held_path(held).unlink(missing_ok=True)

    def drop_abandoned(self) -> None:
        for path in self.abandoned():
            path.unlink(missing_ok=True)

    def abandoned(self) -> list[Path]:
        """The files of incoming and held bytes that `drop_abandoned` deletes."""
        found = []
        for path in (*self._arriving.iterdir(), *self._held.iterdir()):
            with suppress(FileNotFoundError):  # another process drops them as well
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    found.append(path)
        return found


class LocalIncoming:
    def __init__(self, blobs: LocalBlobs, file: "tempfile._TemporaryFileWrapper[bytes]") -> None:
        self.path = Path(file.name)
        self.size = 0
        self._blobs = blobs
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def flush(self) -> None:
        self._file.flush()

    def keep(self) -> Blob:
        self.place(self._blobs.path(self.sha256))
        return Blob(self.sha256, self.size)

    def hold(self) -> str:
        name = f"{HELD}{uuid.uuid4().hex}"
        self.place(self._blobs.held_path(name))
        return name

    def place(self, final: Path) -> None:
        self._file.flush()
        os.fchmod(self._file.fileno(), 0o444)
        os.fsync(self._file.fileno())
        os.replace(self.path, final)
        _sync_folder(final.parent)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a file. On XFS and Btrfs both share their bytes on disk until one of them is written to."""
    try:
        while os.copy_file_range(source.fileno(), target.fileno(), MOST_AT_ONCE):
            pass
    except (AttributeError, OSError):  # not on this system, or not between these file systems
        shutil.copyfileobj(source, target, CHUNK)  # from where it stopped


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
