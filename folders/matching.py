"""Which photo a label map belongs to, by names alone. Nothing is guessed: what is in doubt is said to be."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from folders.layout import IMAGE_SUFFIXES, without_layout

LABEL_MAP_WORD = r"(l|gt|lbl|labels?|masks?|seg|segmentation|annot|annotations?)"
LABEL_MAP_ENDING = re.compile(
    r"([-_](gtfine|gtcoarse))?[-_]"
    rf"({LABEL_MAP_WORD}|label_?ids|label_?train_?ids|train_?ids|colou?rs?)$",
    re.IGNORECASE,
)
"""What tools add to a photo's name: CamVid's `_L`, Cityscapes' `_gtFine_labelIds`, `_mask`."""
LABEL_MAP_BEGINNING = re.compile(rf"^{LABEL_MAP_WORD}[-_]", re.IGNORECASE)
PHOTO_ENDING = re.compile(r"[-_](leftimg8bit|image|img|photo|rgb|sat)$", re.IGNORECASE)
PHOTO_BEGINNING = re.compile(r"^(image|img|photo|rgb|sat)[-_]", re.IGNORECASE)
SHOWN = 5

Key = Callable[[str], object]


@dataclass(frozen=True)
class Match:
    """The photo of a label map, and what was compared; or the type of the problem, and a sentence."""

    label_map: str
    photo: str | None = None
    by: str = ""
    problem: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Rule:
    """A way to compare a photo's and a label map's name; equal keys belong together."""

    by: str
    of_photo: Key
    of_label_map: Key
    with_folders: bool = True


def match(
    label_maps: Sequence[str], photos: Iterable[str], pairs: Mapping[str, str] | None = None
) -> list[Match]:
    """The photo of each label map, in the order of `label_maps`; all names are relative paths.

    `pairs`, photos by label maps, come first. Then the first of RULES that finds photos decides; of several
    photos the one whose folders agree most, if it is one. A photo gets one label map: the one of the earlier
    rule. Other label maps have a `problem`: `no-image`, `ambiguous`, `other-folder` or `image-taken`.
    """
    photos, pairs = list(photos), pairs or {}
    search = _Search(photos)
    return _one_each(
        [search.paired(name, pairs[name]) if name in pairs else search.found(name) for name in label_maps]
    )


class _Search:
    def __init__(self, photos: Sequence[str]) -> None:
        self._photos = set(photos)
        self._folders = {folder for photo in photos for folder in _folders(photo)[-1:]}
        self._indexes: list[dict[object, list[str]]] = []
        for rule in RULES:
            index = defaultdict(list)
            for photo in photos:
                index[rule.of_photo(photo)].append(photo)
            self._indexes.append(index)

    def paired(self, label_map: str, photo: str) -> tuple[int, Match]:
        if photo in self._photos:
            return 0, Match(label_map, photo, "pairs")
        return 0, Match(label_map, problem="no-image", reason=f"The pool has no photo {photo}.")

    def found(self, label_map: str) -> tuple[int, Match]:
        """The match, and the position of the rule that found it."""
        for rank, (rule, index) in enumerate(zip(RULES, self._indexes, strict=True), start=1):
            if candidates := index.get(rule.of_label_map(label_map)):
                return rank, self._chosen(label_map, rule, candidates)
        return 0, Match(label_map, problem="no-image", reason="The pool has no photo of such a name.")

    def _chosen(self, label_map: str, rule: _Rule, candidates: Sequence[str]) -> Match:
        folders = _folders(label_map)
        shared = {photo: _shared(folders, _folders(photo)) for photo in candidates}
        most = max(shared.values())
        nearest = [photo for photo, count in shared.items() if count == most]
        if len(nearest) > 1:
            return Match(
                label_map,
                problem="ambiguous",
                reason=f"It could belong to {_listed(sorted(nearest))}: say to which.",
            )
        [photo] = nearest
        if rule.with_folders or most > 0 or not folders:
            return Match(label_map, photo, rule.by)
        if folders[-1] in self._folders:
            reason = f"Only {photo} has such a name, and {folders[-1]} is another folder: say to which"
            return Match(label_map, problem="other-folder", reason=f"{reason} photo it belongs.")
        return Match(label_map, photo, f"{rule.by} in another folder" if _folders(photo) else rule.by)


def _one_each(ranked: Sequence[tuple[int, Match]]) -> list[Match]:
    """Keep of a photo's label maps the one that the earliest rule found, or none if it found several."""
    ranks = defaultdict(list)
    for rank, found in ranked:
        if found.photo:
            ranks[found.photo].append((rank, found.label_map))
    matches = []
    for rank, found in ranked:
        others = [(r, name) for r, name in ranks.get(found.photo or "", ()) if name != found.label_map]
        before = [name for r, name in others if r <= rank]
        if before:
            reason = f"{_listed(before)} could also be the label map of {found.photo}: leave out all but one."
            found = Match(found.label_map, problem="image-taken", reason=reason)
        matches.append(found)
    return matches


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _file(name: str) -> str:
    return PurePosixPath(name).name


def _stem(name: str) -> str:
    """The file name without an image's suffix."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _bare_label_map(name: str) -> str:
    """`0001` of `0001_L.png`, of `0001.jpg.png` and of `0001_gtFine_labelIds.png`."""
    return _stem(LABEL_MAP_ENDING.sub("", _stem(name)))


def _bare_photo(name: str) -> str:
    return PHOTO_ENDING.sub("", _stem(name))


def _after_beginning(name: str) -> str:
    """`0001` of `mask_0001.png`."""
    return LABEL_MAP_BEGINNING.sub("", _stem(name))


def _photo_after_beginning(name: str) -> str:
    """`0001` of `image_0001.jpg`."""
    return PHOTO_BEGINNING.sub("", _stem(name))


def _folders(name: str) -> tuple[str, ...]:
    """The folders, without the words that say only what is in them."""
    named = (without_layout(folder).casefold() for folder in PurePosixPath(name).parts[:-1])
    return tuple(folder for folder in named if folder)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the innermost folders are the same."""
    count = 0
    for mine, its in zip(reversed(one), reversed(other), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_name(_stem(name)))


def _placed(key: Key) -> Key:
    return lambda name: (_folders(name), key(name))


def _caseless(key: Callable[[str], str]) -> Key:
    return lambda name: key(name).casefold()


RULES = (
    _Rule("path", str, str),
    _Rule("path", _without_suffix, _without_suffix),
    _Rule("path", _placed(_stem), _placed(_stem)),
    _Rule("path", _placed(_file), _placed(_stem)),
    _Rule("stem", _stem, _stem, with_folders=False),
    _Rule("stem", _file, _stem, with_folders=False),
    _Rule("ending", _placed(_bare_photo), _placed(_bare_label_map)),
    _Rule("ending", _bare_photo, _bare_label_map, with_folders=False),
    _Rule("beginning", _stem, _after_beginning, with_folders=False),
    _Rule("beginning", _photo_after_beginning, _after_beginning, with_folders=False),
    _Rule("case", _caseless(_stem), _caseless(_stem), with_folders=False),
    _Rule("case", _caseless(_bare_photo), _caseless(_bare_label_map), with_folders=False),
)
