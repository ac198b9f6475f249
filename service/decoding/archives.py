"""Read zip and tar archives. `members` runs in the processes of `service.decoding.decoders`."""

import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from folders import zips
from folders.names import BadName, checked_path
from service.http.problems import ArchiveBomb, ArchiveUnreadable, ArchiveUnsafeEntry, InvalidName, Problem
from store.blobs import CHUNK
from store.settings import Settings

RATIO_COUNTS_FROM = 1024 * 1024
"""The ratio of smaller files is not limited."""
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_MAGIC = b"\x1f\x8b"
ENCRYPTED = 0x1
LOCAL_HEADER_BYTES = 30
TAR_HEADERS = {
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
}
LARGEST_TAR_HEADER = 16 * 1024
"""Of the headers that hold long names; the time to parse one can grow with the square of its size."""
FEW_BYTES = 4096
"""What is read at once of entries that zipfile unpacks without a limit, those of bzip2 and LZMA."""
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    RecursionError,
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
    """One file of an archive: its path in the archive, its position, or why it is refused."""

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


def unpack(path: Path, found: Sequence[Member]) -> Iterator[tuple[Member, Iterator[bytes]]]:
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
        raise _unreadable(error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _unreadable(error) from None  # how bz2 says that its data is damaged


def _unreadable(error: Exception) -> ArchiveUnreadable:
    return ArchiveUnreadable(f"The archive cannot be read ({error}): create it again and send it again.")


def _zip_members(path: str, limits: Limits) -> list[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    _check_count(len(infos), limits)
    _check_overlaps(infos)
    for info in infos:
        if info.file_size > max(RATIO_COUNTS_FROM, info.compress_size * limits.ratio):
            raise ArchiveBomb(
                f"{zips.shown(info)} in the archive is compressed by more than {limits.ratio}:1, which no "
                "photo is: leave it out, or send it separately."
            )
    found = (_zip_member(info, number) for number, info in enumerate(infos))
    return [member for member in found if not member.name.endswith("/")]


def _check_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    by_offset = sorted(infos, key=lambda info: info.header_offset)
    for info, following in pairwise(by_offset):
        if info.header_offset + LOCAL_HEADER_BYTES + info.compress_size > following.header_offset:
            raise ArchiveUnreadable(
                f"The entries {zips.shown(info)} and {zips.shown(following)} of the archive overlap, which "
                "happens only in damaged archives: create it again."
            )


def _zip_member(info: zipfile.ZipInfo, number: int) -> Member:
    try:
        name = zips.name_of(info)
    except BadName as error:
        return Member(zips.shown(info), number, info.file_size, InvalidName(str(error)))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Member(name, number, info.file_size, _unsafe("is a link or a special file"))
    if info.flag_bits & ENCRYPTED:
        encrypted = ArchiveUnreadable("The file is encrypted: create the archive again without a password.")
        return Member(name, number, info.file_size, encrypted)
    return _named(name, zips.shown(info), number, info.file_size)


def _tar_members(path: str, limits: Limits) -> list[Member]:
    found = []
    with tarfile.open(path, "r:", tarinfo=_BoundedInfo) as archive:
        for number, info in enumerate(archive, 1):
            _check_count(number, limits)
            if info.isdir():
                continue
            name = info.name.encode(errors="surrogateescape").decode(errors="backslashreplace")
            if info.isfile() and not info.issparse():
                found.append(_named(info.name, name, info.offset_data, info.size))
            else:
                unsafe = _unsafe("is a link or a special file")
                found.append(Member(name, info.offset_data, info.size, unsafe))
        end = archive.offset
    with Path(path).open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends too early")
    return found


class _BoundedInfo(tarfile.TarInfo):
    """An entry whose size is not negative and, if it describes other entries, small."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0:
            raise tarfile.ReadError(f"{self.name} has the size {self.size}")
        if self.type in TAR_HEADERS and self.size > LARGEST_TAR_HEADER:
            raise tarfile.ReadError(f"a header has {self.size:,} bytes")
        entry: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        if entry.size < 0:
            raise tarfile.ReadError(f"{entry.name} has the size {entry.size}")
        return entry


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.entries:
        raise ArchiveBomb(f"The archive has more than {limits.entries:,} entries: send it in parts.")


def _named(path: str, shown: str, position: int, size: int) -> Member:
    """A regular file of an archive under its relative path, or with the reason why it has none."""
    if path.endswith("/"):
        return Member(path, position, size)
    if path.startswith("/") or ".." in path.split("/") or path[1:2] == ":":
        return Member(shown, position, size, _unsafe("points outside the archive's folder"))
    try:
        name = checked_path("/".join(part for part in path.split("/") if part not in ("", ".")))
    except BadName as error:
        return Member(shown, position, size, InvalidName(str(error)))
    return Member(name, position, size)


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
    bounded = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    with _readable(), archive.open(info) as file:
        while chunk := file.read(CHUNK if bounded else FEW_BYTES):
            yield chunk
