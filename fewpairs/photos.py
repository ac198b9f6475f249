"""Finds and hashes image files on this machine."""

import hashlib
from pathlib import Path

from fewpairs.errors import FewpairsError

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
)


def image_files(*sources: str | Path) -> list[Path]:
    """The image files, by suffix, of folders with all below them, in order of names; and single files.

    Raises FewpairsError if a source does not exist or if there is no image at all.
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
    """Whether the suffix is an image's; hidden files and folders belong to other programs."""
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
