"""Draw the regions of a photo one over another, and count where they overlap."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from formats.contract import Drawn, Label, Mask, Unreadable
from formats.pictures import check_size

Point = tuple[float, float]

FARTHEST = 1e6
"""The farthest that a corner of a shape may lie outside, in pixels."""


class Canvas:
    """A label map (H, W) that is drawn region by region; a later region covers earlier ones."""

    def __init__(self, width: int, height: int) -> None:
        check_size(width, height)
        self.width, self.height = width, height
        self._numbers = np.zeros((height, width), np.uint16)
        self._covered = np.zeros((height, width), bool)
        self._overlapped = np.zeros((height, width), bool)
        self._notes: dict[str, int] = {}

    def paint(self, mask: Mask, number: int, left: int = 0, top: int = 0) -> None:
        """Draw a region whose mask (h, w) begins at (left, top). What lies outside the photo is cut off."""
        rows = slice(max(top, 0), min(top + mask.shape[0], self.height))
        columns = slice(max(left, 0), min(left + mask.shape[1], self.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        self._overlapped[rows, columns] |= self._covered[rows, columns] & part
        self._covered[rows, columns] |= part
        self._numbers[rows, columns][part] = number

    def note(self, sentence: str) -> None:
        """Note what was left out; equal sentences are counted."""
        self._notes[sentence] = self._notes.get(sentence, 0) + 1

    def drawn(self, labels: tuple[Label, ...]) -> Drawn:
        notes = (
            f"{sentence} ({count}×)" if count > 1 else sentence for sentence, count in self._notes.items()
        )
        return Drawn(self._numbers, labels, int(self._overlapped.sum()), tuple(notes))


def points_of(value: Any) -> list[Point]:
    """The points of a shape, pairs of numbers. Raises Unreadable."""
    try:
        points = [(float(x), float(y)) for x, y in value]
    except (TypeError, ValueError):
        raise Unreadable("the points of a shape are not pairs of numbers") from None
    if any(not abs(number) < FARTHEST for point in points for number in point):
        raise Unreadable("a shape has a point far outside the photo")
    return points


def polygon(points: Sequence[Point], width: int, height: int) -> Mask:
    """The pixels (height, width) whose centre is inside a polygon, by the even-odd rule.

    Pixel (i, j) covers [i, i+1)×[j, j+1). Of polygons that share a side, each centre on it belongs to one.
    """
    crossings = np.zeros((height, width + 1), np.uint16)
    corners = np.array(points, float).reshape(-1, 2)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in sorted((y0, y1)))
        rows = np.arange(first, last)
        at = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        crossings[rows, np.clip(np.ceil(at - 0.5), 0, width).astype(int)] += 1
    is_odd: Mask = np.cumsum(crossings, axis=1, dtype=np.uint16)[:, :-1] % 2 == 1
    return is_odd
