"""Read zip and tar archives. `members` runs in the processes of `service.decoding.decoders`."""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from service.http.problems import ArchiveBomb, ArchiveUnreadable, ArchiveUnsafeEntry, Problem
from store.blobs import CHUNK
from store.settings import Settings

RATIO_COUNTS_FROM = 1024 * 1024
"""The ratio of smaller files is not limited."""
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_MAGIC = b"\x1f\x8b"
ENCRYPTED = 0x1
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True)
class Limits:
    entries: int
    bytes: int
    ratio: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.max_archive_entries, settings.max_archive_bytes, settings.max_archive_ratio)


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name without folders, its position, or why it is refused."""

    name: str
    position: int
    """Its index in a zip; the offset of its bytes in a tar."""
    size: int
    refusal: Problem | None = None


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def members(path: str, limits: Limits) -> list[Member]:
    """Every file of the archive, in archive order. Raises ArchiveUnreadable or ArchiveBomb."""
    with Path(path).open("rb") as file:
        is_zip = file.read(4) in ZIP_MAGIC
    with _readable():
        found = _zip_members(path, limits) if is_zip else _tar_members(path, limits)
    if sum(member.size for member in found) > limits.bytes:
        raise ArchiveBomb(f"The archive unpacks to more than {limits.bytes:,} bytes: send it in parts.")
    return found


def unpack(path: Path, found: list[Member]) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Each member with its bytes; reading them may raise ArchiveUnreadable."""
    with path.open("rb") as file:
        if file.read(4) not in ZIP_MAGIC:
            for member in found:
                yield member, _slice(path, member)
            return
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        for member in found:
            yield member, _unzipped(archive, infos[member.position])


def gunzip(path: Path, write: Callable[[bytes], None], limits: Limits) -> None:
    """Decompress a .tar.gz and count the bytes that come out. Raises ArchiveBomb or ArchiveUnreadable."""
    unpacked = 0
    most = min(limits.bytes, max(RATIO_COUNTS_FROM, path.stat().st_size * limits.ratio))
    with _readable(), gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            unpacked += len(chunk)
            if unpacked > most:
                raise ArchiveBomb(
                    f"The archive unpacks to more than {most:,} bytes: send it in parts, or as a plain tar."
                )
            write(chunk)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise ArchiveBomb(
            "The list of files in the archive takes too much memory: send the archive in parts."
        ) from None
    except UNREADABLE as error:
        raise ArchiveUnreadable(
            f"The archive cannot be read ({error}): create it again and send it again."
        ) from None


def _zip_members(path: str, limits: Limits) -> list[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    _check_count(len(infos), limits)
    for info in infos:
        if info.file_size > max(RATIO_COUNTS_FROM, info.compress_size * limits.ratio):
            raise ArchiveBomb(
                f"{info.filename} in the archive is compressed by more than {limits.ratio}:1, which no photo "
                "is: leave it out, or send it separately."
            )
    return [
        Member(_base_name(info.filename), number, info.file_size, _zip_refusal(info))
        for number, info in enumerate(infos)
        if not info.is_dir()
    ]


def _zip_refusal(info: zipfile.ZipInfo) -> Problem | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return _unsafe("is a link or a special file")
    if info.flag_bits & ENCRYPTED:
        return ArchiveUnreadable("The file is encrypted: create the archive again without a password.")
    return _path_refusal(info.filename)


def _tar_members(path: str, limits: Limits) -> list[Member]:
    found = []
    with tarfile.open(path, "r:") as archive:
        for number, info in enumerate(archive, 1):
            _check_count(number, limits)
            if info.isdir():
                continue
            plain = info.isfile() and not info.issparse()
            refusal = _path_refusal(info.name) if plain else _unsafe("is a link or a special file")
            found.append(Member(_base_name(info.name), info.offset_data, info.size, refusal))
        end = archive.offset
    with Path(path).open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends too early")
    return found


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.entries:
        raise ArchiveBomb(f"The archive has more than {limits.entries:,} entries: send it in parts.")


def _base_name(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def _path_refusal(path: str) -> Problem | None:
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or path[1:2] == ":":
        return _unsafe("points outside the archive's folder")
    return None


def _unsafe(reason: str) -> Problem:
    return ArchiveUnsafeEntry(f"The entry {reason}: put the file itself into the archive.")


def _slice(path: Path, member: Member) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(member.position)
        left = member.size
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise ArchiveUnreadable("The archive ends inside this file: copy the whole archive again.")
            left -= len(chunk)
            yield chunk


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with _readable(), archive.open(info) as file:
        while chunk := file.read(CHUNK):
            yield chunk
