"""Find the photos of an export's label maps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from folders.matching import Match, match

TAKEN, MISSING = "image-taken", "no-image"


@dataclass(frozen=True)
class Listed:
    """A label map of an export that is not read yet: its file, and where its photo may be, the best first."""

    file: str
    photos: tuple[str, ...]


def placed(listed: Sequence[Listed], photos: Iterable[str]) -> list[Match]:
    """The photo of each label map, or why it has none (`folders.matching`); no photo gets two.

    The first path of a label map under which a photo is found counts.
    """
    names = list(photos)
    found = match([one.photos[0] for one in listed], names)
    for turn in range(1, max((len(one.photos) for one in listed), default=0)):
        waiting = [place for place, one in enumerate(found) if _may_be_elsewhere(one)]
        waiting = [place for place in waiting if turn < len(listed[place].photos)]
        again = match([listed[place].photos[turn] for place in waiting], names)
        for place, one in zip(waiting, again, strict=True):
            if one.photo or found[place].problem == MISSING:
                found[place] = one
    return _one_each(listed, [_named(one, of) for one, of in zip(listed, found, strict=True)])


def _named(one: Listed, found: Match) -> Match:
    """If there is no photo, say what was looked for."""
    missing = f"The pool has no photo {one.photos[0]}."
    return replace(found, reason=missing) if found.problem == MISSING else found


def _may_be_elsewhere(found: Match) -> bool:
    return found.photo is None and found.problem != TAKEN


def _one_each(listed: Sequence[Listed], found: Sequence[Match]) -> list[Match]:
    files = defaultdict(list)
    for one, of in zip(listed, found, strict=True):
        if of.photo:
            files[of.photo].append(one.file)
    return [
        _taken(of, [file for file in files[of.photo] if file != one.file] or files[of.photo][1:])
        if of.photo and len(files[of.photo]) > 1
        else of
        for one, of in zip(listed, found, strict=True)
    ]


def _taken(found: Match, others: Sequence[str]) -> Match:
    reason = f"{', '.join(others)} could also be the label map of {found.photo}: leave out all but one."
    return replace(found, photo=None, by="", problem=TAKEN, reason=reason)
