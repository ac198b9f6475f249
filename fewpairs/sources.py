"""Finds the files that a user means: in folders with all below them, in archives, or one by one."""

import bz2
import gzip
import lzma
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from os import stat_result
from pathlib import Path
from typing import Any, Self

from fewpairs.errors import FewpairsError
from folders.archives import Archive, ArchiveError, readable
from folders.junk import is_junk
from folders.layout import IMAGE_SUFFIXES, label_map_folders, without_classes
from folders.names import BadName, checked_path

CHUNK = 1024 * 1024
ARCHIVES = (".zip", ".tar")
COMPRESSED_TARS: Mapping[str, Callable[..., Any]] = {
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tar.xz": lzma.open,
}
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*", b"\xff\x0a", b"\0\0\0\x0cJXL ")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")

Read = Callable[[], Iterator[bytes]]
"""Yields the bytes of a file. Raises OSError or ArchiveError."""


@dataclass(frozen=True)
class File:
    """A file on this machine, or in an archive on it."""

    path: Path
    """Where it is, to be shown; in an archive, `photos.zip/day1/0001.jpg`."""
    name: str
    """Its path below what was given."""
    read: Read = field(compare=False)


Files = str | Path | Sequence[str | Path] | Sequence[File]
"""Folders with all below them, zips and tars, or single files; or what `find` found in them."""


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and a sentence that says why."""

    path: Path
    type: str
    reason: str


@dataclass
class Found:
    """The image files, and what else was there. Close it after use: the files may be in archives."""

    files: list[File] = field(default_factory=list)
    skipped: list[Refusal] = field(default_factory=list)
    """Files that are no images, and links that lead nowhere."""
    rejected: list[Refusal] = field(default_factory=list)
    """Files whose names cannot be used, or that cannot be read."""
    junk: int = 0
    archives: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.archives.close()

    @property
    def label_map_folders(self) -> Mapping[str, int]:
        """The folders that hold label maps of photos beside them, each with its number of files."""
        return label_map_folders(file.name for file in self.files)

    def photos(self) -> list[File]:
        """The files that are not in folders of label maps."""
        within = self._label_maps_start()
        return [file for file in self.files if not file.name.startswith(within)]

    def label_maps(self) -> list[File]:
        """The files in folders of label maps; all files if no such folder has photos beside it."""
        within = self._label_maps_start()
        files = [file for file in self.files if file.name.startswith(within)] if within else self.files
        for file in files:
            if without_classes(file.name):
                reason = "By its name it holds instances or colours, not classes."
                self.skipped.append(Refusal(file.path, "without-classes", reason))
        return [file for file in files if not without_classes(file.name)]

    def _label_maps_start(self) -> tuple[str, ...]:
        return tuple(f"{folder}/" for folder in self.label_map_folders)


def find(*sources: str | Path, under: str = "", in_archives: bool = True) -> Found:
    """Look through folders, zips, tars and single files. `under` is a folder to put their names into.

    Raises FewpairsError if a source does not exist or cannot be read, or if there is no image at all.
    """
    found = Found()
    search = _Search(found, f"{under.strip('/')}/" if under else "")
    for source in map(Path, sources):
        if source.is_dir():
            search.folder(source)
        elif not source.is_file():
            raise FewpairsError(f"{source} does not exist.")
        elif in_archives and source.name.lower().endswith((*ARCHIVES, *COMPRESSED_TARS)):
            search.archive(source)
        else:
            search.file(source, source.name, partial(read, source))
    if not found.files and not found.rejected:
        where = ", ".join(map(str, sources)) or "What was given"
        raise FewpairsError(f"{where} holds no image (a file ending in {', '.join(sorted(IMAGE_SUFFIXES))}).")
    return found


def found_in(sources: Files, under: str) -> Found:
    """What `find` finds in the sources, or the files that it has found before."""
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    files = [entry for entry in given if isinstance(entry, File)]
    if files:
        return Found(files)
    return find(*(entry for entry in given if not isinstance(entry, File)), under=under)


def read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def unreadable(path: Path, error: OSError | ArchiveError) -> Refusal:
    reason = f"The file cannot be read: {error.strerror}." if isinstance(error, OSError) else str(error)
    return Refusal(path, "unreadable", reason)


class _Search:
    """Sorts what it comes across into `found`."""

    def __init__(self, found: Found, prefix: str) -> None:
        self._found, self._prefix = found, prefix

    def file(self, path: Path, name: str, content: Read) -> None:
        try:
            self._found.files.append(File(path, checked_path(self._prefix + name), content))
        except BadName as error:
            self._found.rejected.append(Refusal(path, "invalid-name", str(error)))

    def folder(self, folder: Path) -> None:
        for path in self._below(folder, folder, (_identity(folder.stat()),)):
            self._among_others(path, path.relative_to(folder).as_posix(), partial(read, path))

    def archive(self, path: Path) -> None:
        opened = self._found.archives.enter_context
        try:
            archive = opened(closing(Archive(opened(_decompressed(path)))))
            for entry in archive.entries():
                shown = Path(f"{path}/{entry.name}")
                if entry.is_junk:
                    self._found.junk += 1
                elif entry.refusal:
                    self._found.rejected.append(Refusal(shown, **vars(entry.refusal)))
                else:
                    self._among_others(shown, entry.name, partial(archive.content, entry))
        except ArchiveError as error:
            raise FewpairsError(f"{path}: {error}") from error

    def _below(self, root: Path, folder: Path, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
        """Every file below the folder, in the order of names. Links are followed; `above` ends loops."""
        for path in sorted(folder.iterdir()):
            name = path.relative_to(root).as_posix()
            try:
                status = path.stat()
                if stat.S_ISREG(status.st_mode):
                    yield path
                elif not stat.S_ISDIR(status.st_mode):
                    self._skip(Refusal(path, "special-file", "It is a device, pipe or socket."), name)
                elif _identity(status) in above:
                    self._skip(Refusal(path, "loop", "It is a link to a folder that it is in."), name)
                else:
                    yield from self._below(root, path, (*above, _identity(status)))
            except OSError as error:
                self._skip(unreadable(path, error), name)

    def _among_others(self, path: Path, name: str, content: Read) -> None:
        """Add a file of a folder or archive if it is an image."""
        try:
            if not is_junk(name) and _is_image(name, content):
                self.file(path, name, content)
            else:
                reason = "It is no image, neither by its name nor by its first bytes."
                self._skip(Refusal(path, "not-an-image", reason), name)
        except (OSError, ArchiveError) as error:
            self._found.rejected.append(unreadable(path, error))

    def _skip(self, refusal: Refusal, name: str) -> None:
        if is_junk(name):
            self._found.junk += 1
        else:
            self._found.skipped.append(refusal)


@contextmanager
def _decompressed(path: Path) -> Iterator[Path]:
    """The archive itself, or a temporary copy of a tar that is compressed. Raises ArchiveError."""
    opener = next((o for ending, o in COMPRESSED_TARS.items() if path.name.lower().endswith(ending)), None)
    if opener is None:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="fewpairs-", suffix=".tar") as copy:
        with readable(), opener(path) as compressed:
            shutil.copyfileobj(compressed, copy, CHUNK)
        copy.flush()
        yield Path(copy.name)


def _identity(status: stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_image(name: str, content: Read) -> bool:
    if Path(name).suffix.lower() in IMAGE_SUFFIXES:
        return True
    start = next(content(), b"")[:16]
    return (
        start.startswith(IMAGE_STARTS)
        or (start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS)
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
    )
