"""The files of a zip or a tar: their names, and the ones that are refused.

Nothing is unpacked to find them, and nothing in them is trusted: not their sizes, paths or kinds.
"""

import errno
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from folders.junk import is_junk
from folders.names import BadName, checked_path, not_utf8

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
ENCRYPTED, UTF8 = 0x1, 0x800
"""Flags of an entry of a zip."""
PYTHON_READS_AS = "cp437"
"""How zipfile decodes names without the flag; every byte has a character in it."""
LOCAL_HEADER_BYTES = 30
TAR_HEADERS = {
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
}
LARGEST_TAR_HEADER = 16 * 1024
"""Of the headers that hold long names; the time to parse one can grow with the square of its size."""
CHUNK, FEW_BYTES = 1024 * 1024, 4096


class ArchiveError(Exception):
    """The archive, or a file in it, cannot be read; the text is a sentence that says what to do."""


@dataclass(frozen=True)
class Refusal:
    """Why a file is not taken: the type of the problem, and a sentence."""

    type: Literal["archive-unreadable", "archive-unsafe-entry", "invalid-name"]
    reason: str


@dataclass(frozen=True)
class Entry:
    """One file of an archive: its path in it, where it is, or why it is refused."""

    name: str
    position: int
    """Its index in a zip; the offset of its bytes in a tar."""
    size: int
    packed_size: int
    refusal: Refusal | None = None

    @property
    def is_junk(self) -> bool:
        """Whether nobody means to send it. The name of a refused file only shows what it may be."""
        return self.name.startswith("__MACOSX/") if self.refusal else is_junk(self.name)


class Archive:
    """An open zip or uncompressed tar. Raises ArchiveError; any number of threads may read from it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            is_zip = file.read(4) in ZIP_MAGIC
        with readable():
            self._zip = zipfile.ZipFile(path) if is_zip else None

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    def entries(self) -> Iterator[Entry]:
        """Every file, in archive order. Raises ArchiveError."""
        with readable():
            yield from _of_zip(self._zip) if self._zip else _of_tar(self._path)

    def content(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a file, in pieces. Raises ArchiveError."""
        if self._zip is None:
            yield from _slice(self._path, entry)
            return
        info = self._zip.infolist()[entry.position]
        # Of other kinds zipfile unpacks at once whatever it reads, so it reads little.
        bounded = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        with readable(), self._zip.open(info) as file:
            while chunk := file.read(CHUNK if bounded else FEW_BYTES):
                yield chunk


@contextmanager
def readable() -> Iterator[None]:
    """Turn whatever the readers of damaged archives raise into an ArchiveError."""
    try:
        yield
    except (ArchiveError, MemoryError):
        raise
    except OSError as error:
        # bz2 says so that its data is damaged; and zipfile may ask for a place before the file's beginning.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _unreadable(error) from None
    except Exception as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> ArchiveError:
    return ArchiveError(f"The archive cannot be read ({error}): create it again and send it again.")


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    infos = archive.infolist()
    by_offset = sorted(infos, key=lambda info: info.header_offset)
    if by_offset and _end(by_offset[-1]) > archive.start_dir:
        name, _ = _zip_name(by_offset[-1])
        raise ArchiveError(f"{name} ends beyond the archive's files: copy the whole archive again.")
    for info, following in pairwise(by_offset):
        if _end(info) > following.header_offset:
            names = " and ".join(_zip_name(each)[0] for each in (info, following))
            raise ArchiveError(
                f"{names} overlap in the archive, as happens in damaged archives only: create it again."
            )
    for position, info in enumerate(infos):
        name, is_utf8 = _zip_name(info)
        if not name.endswith(("/", "\\")):
            refusal = _zip_refusal(info, None if is_utf8 else info.orig_filename.encode(PYTHON_READS_AS))
            name, refusal = (name, refusal) if refusal else _named(name.replace("\\", "/"), name)
            yield Entry(name, position, info.file_size, info.compress_size, refusal)


def _end(info: zipfile.ZipInfo) -> int:
    """The least offset of what follows the entry."""
    return info.header_offset + LOCAL_HEADER_BYTES + info.compress_size


def _zip_name(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """The name, and whether it is UTF-8 and not only fit to be shown. Many tools do not set UTF-8's flag."""
    if info.flag_bits & UTF8:
        return info.orig_filename, True
    raw = info.orig_filename.encode(PYTHON_READS_AS)
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode("ascii", "backslashreplace"), False


def _zip_refusal(info: zipfile.ZipInfo, not_utf8_name: bytes | None) -> Refusal | None:
    if not_utf8_name:
        return Refusal("invalid-name", str(not_utf8(not_utf8_name)))
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return _unsafe("is a link or a special file")
    if info.flag_bits & ENCRYPTED:
        reason = "The file is encrypted: create the archive again without a password."
        return Refusal("archive-unreadable", reason)
    return None


def _of_tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path, "r:", tarinfo=_BoundedInfo) as archive:
        for info in archive:
            if info.isdir():
                continue
            name = info.name.encode(errors="surrogateescape").decode(errors="backslashreplace")
            refusal: Refusal | None = _unsafe("is a link or a special file")
            if info.isfile() and not info.issparse():
                name, refusal = _named(info.name, name)
            yield Entry(name, info.offset_data, info.size, info.size, refusal)
        end = archive.offset
    with path.open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends too early")


class _BoundedInfo(tarfile.TarInfo):
    """An entry whose size is not negative and, if it describes other entries, small."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in TAR_HEADERS and self.size > LARGEST_TAR_HEADER:
            raise tarfile.ReadError(f"a header has {self.size:,} bytes")
        self._check_size(self)
        entry: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        self._check_size(entry)
        return entry

    @staticmethod
    def _check_size(entry: tarfile.TarInfo) -> None:
        if entry.size < 0:
            raise tarfile.ReadError(f"{entry.name} has the size {entry.size}")


def _named(path: str, shown: str) -> tuple[str, Refusal | None]:
    """The relative path of a regular file; or how it is shown, and why it has none."""
    if path.startswith("/") or ".." in path.split("/") or path[1:2] == ":":
        return shown, _unsafe("points outside the archive's folder")
    try:
        return checked_path("/".join(part for part in path.split("/") if part not in ("", "."))), None
    except BadName as error:
        return shown, Refusal("invalid-name", str(error))


def _unsafe(reason: str) -> Refusal:
    return Refusal("archive-unsafe-entry", f"The entry {reason}: put the file itself into the archive.")


def _slice(path: Path, entry: Entry) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(entry.position)
        left = entry.size
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise ArchiveError("The archive ends inside this file: copy the whole archive again.")
            left -= len(chunk)
            yield chunk
