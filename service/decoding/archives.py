"""Read zip and tar archives within limits. These functions run in the process of an `ArchiveReader`.

The process reads one archive: `members` opens it, and `piece` reads on in it.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from folders.archives import Archive, ArchiveError, Entry, readable
from service.decoding import deadline
from service.http.problems import ArchiveBomb, ArchiveUnreadable
from store.blobs import CHUNK
from store.settings import Settings

RATIO_COUNTS_FROM = 1024 * 1024
"""The ratio of smaller files is not limited."""
ENOUGH = CHUNK // 4
"""Bytes that are worth an answer."""
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    entries: int
    bytes: int
    ratio: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.max_archive_entries, settings.max_archive_bytes, settings.max_archive_ratio)


@dataclass
class _Reading:
    archive: Archive
    entry: Entry | None = None
    pieces: Iterator[bytes] = field(default_factory=lambda: iter(()))


_reading: list[_Reading] = []
"""The archive that this process reads."""


def gunzip(path: str, to: str, limits: Limits) -> bool:
    """Decompress a .tar.gz and count the bytes that come out; False if it is no gzip file. Raises ArchiveBomb
    or ArchiveUnreadable.
    """
    with Path(path).open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
            return False
    most = largest_unpacked(Path(path), limits)
    deadline.allow(deadline.of_bytes(most))
    unpacked = 0
    with _problems(), readable(), gzip.open(path) as file, Path(to).open("wb") as tar:
        while unpacked <= most and (chunk := file.read(CHUNK)):
            unpacked += tar.write(chunk)
    if unpacked > most:
        raise ArchiveBomb(
            f"The archive unpacks to more than {most:,} bytes: send it in parts, or as a plain tar."
        )
    return True


def largest_unpacked(path: Path, limits: Limits) -> int:
    """The most bytes to which a .tar.gz may unpack."""
    return min(limits.bytes, max(RATIO_COUNTS_FROM, path.stat().st_size * limits.ratio))


def members(path: str, limits: Limits) -> list[Entry]:
    """Every file of the archive, in archive order. Raises ArchiveUnreadable or ArchiveBomb."""
    deadline.allow(deadline.LISTING_S)
    found: list[Entry] = []
    unpacked = 0
    with _problems():
        archive = Archive(Path(path))
        _reading.append(_Reading(archive))
        for entry in archive.entries():
            unpacked += entry.size
            if len(found) == limits.entries:
                raise ArchiveBomb(f"The archive has more than {limits.entries:,} files: send it in parts.")
            if entry.size > max(RATIO_COUNTS_FROM, entry.packed_size * limits.ratio):
                raise ArchiveBomb(
                    f"{entry.name} in the archive is compressed by more than {limits.ratio}:1, which no "
                    "photo is: leave it out, or send it separately."
                )
            if unpacked > limits.bytes:
                most = f"{limits.bytes:,} bytes"
                raise ArchiveBomb(f"The archive unpacks to more than {most}: send it in parts.")
            found.append(entry)
    return found


def piece(entry: Entry) -> bytes:
    """The next bytes of this file, none at its end. Raises ArchiveUnreadable or ArchiveBomb."""
    [reading] = _reading
    if reading.entry != entry:
        reading.entry, reading.pieces = entry, reading.archive.content(entry)
    found = bytearray()
    with _problems():
        while len(found) < ENOUGH and (more := next(reading.pieces, b"")):
            found += more
    return bytes(found)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise ArchiveBomb(
            "Reading the archive takes too much memory: send it in parts, as a plain tar."
        ) from None
    except ArchiveError as error:
        raise ArchiveUnreadable(str(error)) from None
