"""Read zip and tar archives within limits. `members` runs in the processes of `service.decoding.decoders`."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from folders.archives import Archive, ArchiveError, Entry, readable
from service.http.problems import ArchiveBomb, ArchiveUnreadable
from store.blobs import CHUNK, Blobs
from store.settings import Settings

RATIO_COUNTS_FROM = 1024 * 1024
"""The ratio of smaller files is not limited."""
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    entries: int
    bytes: int
    ratio: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.max_archive_entries, settings.max_archive_bytes, settings.max_archive_ratio)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def members(path: str, limits: Limits) -> list[Entry]:
    """Every file of the archive, in archive order. Raises ArchiveUnreadable or ArchiveBomb."""
    found: list[Entry] = []
    unpacked = 0
    with _problems(), closing(Archive(Path(path))) as archive:
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


def unpack(path: Path, found: Sequence[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Each file with its bytes; reading them may raise ArchiveUnreadable."""
    with closing(Archive(path)) as archive:
        for entry in found:
            yield entry, _content(archive, entry)


@contextmanager
def gunzipped(path: Path, blobs: Blobs, settings: Settings) -> Iterator[Path]:
    """The zip or tar itself; for a .tar.gz the tar in it. Raises ArchiveBomb or ArchiveUnreadable."""
    if not _is_gzip(path):
        yield path
        return
    with blobs.incoming() as tar:
        _gunzip(path, tar.write, Limits.of(settings))
        tar.flush()
        yield tar.path


def _gunzip(path: Path, write: Callable[[bytes], None], limits: Limits) -> None:
    """Decompress a .tar.gz and count the bytes that come out. Raises ArchiveBomb or ArchiveUnreadable."""
    unpacked = 0
    most = min(limits.bytes, max(RATIO_COUNTS_FROM, path.stat().st_size * limits.ratio))
    with _problems(), readable(), gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            unpacked += len(chunk)
            if unpacked > most:
                raise ArchiveBomb(
                    f"The archive unpacks to more than {most:,} bytes: send it in parts, or as a plain tar."
                )
            write(chunk)


def _content(archive: Archive, entry: Entry) -> Iterator[bytes]:
    with _problems():
        yield from archive.content(entry)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise ArchiveBomb(
            "The list of files in the archive takes too much memory: send the archive in parts."
        ) from None
    except ArchiveError as error:
        raise ArchiveUnreadable(str(error)) from None
