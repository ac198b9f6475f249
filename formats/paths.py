"""Paths in exports: where a file's photo may be, and where a photo's file goes."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from folders.layout import IMAGE_SUFFIXES


def plain(path: str) -> str:
    """A path as other systems write it, in `/`, without a drive, `.` and `..` and without a first `/`."""
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", ".") and not part.endswith(":"):
            parts.append(part)
    return "/".join(parts)


def below(path: str, folder: str) -> str | None:
    """What follows the last `folder` in the path; None if it has no such folder."""
    _, found, rest = f"/{path}".rpartition(f"/{folder}/")
    return rest if found else None


def in_folders(paths: Iterable[str], folder: str, suffix: str) -> list[str]:
    """The files below folders of this name that end so, in order."""
    return sorted(path for path in paths if below(path, folder) is not None and path.lower().endswith(suffix))


def without_suffix(path: str) -> str:
    """The path without the suffix of an image or a JSON."""
    suffix = PurePosixPath(path).suffix
    return path.removesuffix(suffix) if suffix.lower() in {*IMAGE_SUFFIXES, ".json"} else path


def places(photos: Iterable[str]) -> dict[str, str]:
    """Where the files of each photo go: its path without suffix, or with it if photos would share a place."""
    names = list(photos)
    count = Counter(map(without_suffix, names))
    found = {name: name if count[without_suffix(name)] > 1 else without_suffix(name) for name in names}
    return found if len({*found.values()}) == len(found) else {name: name for name in names}
