"""What takes space on the disks of a server: every file of the data folder, by what it is."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from store.blobs import LocalBlobs
from store.database import Database
from store.settings import Settings
from worker.upkeep.leftovers import Piece, allocated

OTHER = "other files of the data folder"
PLACES = {
    "runs": "run directories",
    "cache/models": "cache: models",
    "cache/vectors": "cache: embeddings",
    "cache/encoders": "cache: encoders",
    "cache": "cache: other files",
    "logs": "logs",
    "broker": "broker",
    "encoders": "encoders of yours",
}


@dataclass
class Use:
    """Space on disk. `spare` are the bytes that nobody needs: `fewpairs gc --remove` frees them."""

    files: int = 0
    bytes: int = 0
    spare: int = 0


def usage(
    settings: Settings,
    database: Database,
    blobs: LocalBlobs,
    named: Mapping[str, str],
    spare: list[Piece],
) -> dict[str, Use]:
    """The space of each kind of file. `named` gives the kind of each blob that a row names."""
    found: defaultdict[str, Use] = defaultdict(Use)
    unneeded = {file for piece in spare for file in _files(piece.path)}
    for file in {*_files(settings.data_dir.absolute()), *_files(blobs.root)}:
        with suppress(FileNotFoundError):
            size = allocated(file)
            use = found[_kind(settings, blobs, named, file)]
            use.files += 1
            use.bytes += size
            use.spare += size if file in unneeded else 0
    if database.engine.dialect.name == "postgresql":
        with database.read() as session:
            size = session.scalar(text("SELECT pg_database_size(current_database())"))
        found["database"].bytes += size or 0
    return dict(sorted(found.items()))


def _kind(settings: Settings, blobs: LocalBlobs, named: Mapping[str, str], file: Path) -> str:
    if file.is_relative_to(blobs.root):
        place = file.relative_to(blobs.root).parts[0]
        return f"blobs: {named.get(file.name, place if len(place) > 2 else 'named by no row')}"
    path = file.relative_to(settings.data_dir.absolute())
    if path.name.startswith("fewpairs.db"):
        return "database"
    for place, kind in PLACES.items():
        if path.is_relative_to(place):
            return kind
    return OTHER


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder, or the file itself; no links."""
    if folder.is_dir():
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    elif folder.is_file():
        yield folder
