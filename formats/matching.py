"""Find the photo of a label map by its path. Standard library only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

TOOL_ENDINGS = (
    *("_gtFine_labelIds", "_gtCoarse_labelIds", "_leftImg8bit", "_labelIds", "_segmentation"),
    *("_labels", "_label", "_mask", "_L"),
)
"""What tools add to the name of a photo."""


class Photos:
    """The photos of a pool, by their names: relative paths like `day1/0001.jpg`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_stem: dict[str, list[PurePosixPath]] = defaultdict(list)
        for name in sorted(self._names):
            self._by_stem[_bare(PurePosixPath(name).name)].append(PurePosixPath(name))

    def named(self, paths: Sequence[str]) -> list[str]:
        """The photo that one of the paths means; several if that is open, none if there is none.

        The whole path counts first, then the path without suffix, then the file's stem and as many folders as
        possible; last the stem without what tools add, in any case of letters.
        """
        for path in (*paths, *(path.rpartition(".")[0] for path in paths)):
            if path in self._names:
                return [path]
        places = [PurePosixPath(path) for path in paths if path]
        for place in places:
            near = self._by_stem.get(_bare(place.name), [])
            if whole := [photo for photo in near if _without_suffix(photo) == _without_suffix(place)]:
                return _named(whole, place)
        for place in places:
            if found := [
                photo for photo in self._by_stem.get(_bare(place.name), []) if photo.stem == place.stem
            ]:
                return _named(found, place)
        for place in places:
            if found := self._by_stem.get(_bare(place.name), []):
                return _named(found, place)
        return []


def _named(photos: Sequence[PurePosixPath], place: PurePosixPath) -> list[str]:
    """The photos that share the most folders with the path; of these the one with its suffix, if any."""
    most = max(_shared(photo, place) for photo in photos)
    nearest = [photo for photo in photos if _shared(photo, place) == most]
    same = [photo for photo in nearest if photo.name == place.name]
    return [str(photo) for photo in same or nearest]


def _shared(photo: PurePosixPath, place: PurePosixPath) -> int:
    """How many folders of both paths are equal, from the end."""
    count = 0
    for one, other in zip(photo.parts[-2::-1], place.parts[-2::-1], strict=False):
        if one != other:
            break
        count += 1
    return count


def _without_suffix(path: PurePosixPath) -> PurePosixPath:
    return path.with_suffix("")


def _bare(name: str) -> str:
    """A file's stem without what tools add, in small letters; `a.jpg.png` is `a`."""
    stem = PurePosixPath(name).stem
    if PurePosixPath(stem).suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"):
        stem = PurePosixPath(stem).stem
    for ending in TOOL_ENDINGS:
        if len(stem) > len(ending) and stem.lower().endswith(ending.lower()):
            return stem[: -len(ending)].lower()
    return stem.lower()
