"""The manifest of a backup: one file, which names everything else by its digest."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from models.files import write_text

FORMAT, VERSION = "fewpairs-backup", 1


class Unusable(Exception):
    """Why a backup cannot be made or restored, in a sentence."""


@dataclass(frozen=True)
class Manifest:
    made_at: str
    """UTC, as in the file's name; the backups of a folder sort by it."""
    made_by: str
    schema: str
    """The revision of the migration that made the tables."""
    rows: str
    """Digest of all rows, as `backups.rows` writes them."""
    counts: dict[str, int]
    """Rows of each table."""
    blobs: str
    """Digest of a text with one line for each blob that belongs to the backup: its own digest."""
    blob_count: int
    blob_bytes: int
    files: dict[str, str]
    """Digests of the other files by their paths below `runs/` and `encoders/`."""
    missing: list[str]
    """Blobs that rows name and that were missing or damaged; no backup in the folder has them."""

    def write(self, folder: Path) -> None:
        """Put the manifest in place; from then on the backup exists."""
        document = {"format": FORMAT, "version": VERSION} | asdict(self)
        write_text(folder / f"{self.made_at}.json", _text(document | {"sha256": _digest(document)}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises Unusable if the file is no manifest, or was changed."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            written = document.pop("sha256")
            if _digest(document) != written:
                raise Unusable(f"{path} is damaged: its own digest does not match.")
            found = document.pop("format"), document.pop("version")
            if found != (FORMAT, VERSION):
                raise Unusable(f"{path} is a {found[0]} of version {found[1]}; this program reads {VERSION}.")
            return cls(**document)
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise Unusable(f"{path} is no manifest of a backup: {error!r}") from error


def manifests(folder: Path) -> list[Path]:
    """The manifests in a folder, oldest first."""
    return sorted(folder.glob("*.json"))


def newest(folder: Path, made_at: str | None = None) -> Manifest:
    """The backup of this time, or the newest. Raises Unusable if there is none."""
    paths = manifests(folder)
    if not paths:
        raise Unusable(f"{folder} holds no backup: make one with `fewpairs backup {folder}`.")
    if made_at is None:
        return Manifest.read(paths[-1])
    if (path := folder / f"{made_at}.json") not in paths:
        raise Unusable(f"{folder} has no backup {made_at}; it has {', '.join(path.stem for path in paths)}.")
    return Manifest.read(path)


def _digest(document: dict[str, object]) -> str:
    return hashlib.sha256(_text(document).encode()).hexdigest()


def _text(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
