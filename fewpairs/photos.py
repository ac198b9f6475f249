"""Finding and hashing image files on this side."""

import hashlib
from pathlib import Path

from fewpairs.errors import FewpairsError

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
)


def image_files(*sources: str | Path) -> list[Path]:
    """The image files, told by suffix, in folders (and all folders below) and among paths, in order of names.

    Raises FewpairsError when a source does not exist or when there is no image at all.
    """
    found: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            below = source.rglob("*")
            found += sorted(path for path in below if _is_image(path.relative_to(source)) and path.is_file())
        elif source.is_file():
            found.append(source)
        else:
            raise FewpairsError(f"{source} does not exist.")
    if not found:
        folders = ", ".join(map(str, sources)) or "What was given"
        raise FewpairsError(f"{folders} holds no image (a file ending in {', '.join(sorted(SUFFIXES))}).")
    return found


def _is_image(path: Path) -> bool:
    """Hidden files and folders are some other program's."""
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
