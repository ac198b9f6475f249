"""Polygons and run lengths, against other programs and against definitions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from formats import brush, runs
from formats.canvas import Canvas, polygon
from formats.contract import Label, Unreadable
from tests import export_kinds as kinds

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24))
coordinates = st.floats(-3, 30, allow_nan=False, width=32)
corners = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7)
SIDE = 26
OLD_ARRAYS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0 decodes into arrays as they were before NumPy 2."""


@given(mask=masks)
@settings(max_examples=40, deadline=None)
def test_run_lengths_are_cocos(mask: Any) -> None:
    """COCO's own program writes the same string, and its string is read as the same mask."""
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    height, width = mask.shape
    assert runs.packed(runs.lengths(mask)) == theirs
    assert np.array_equal(runs.mask(runs.unpacked(theirs), width, height), mask)


@given(points=corners)
@settings(max_examples=15, deadline=None)
def test_a_polygon_holds_the_centres_inside(points: list[tuple[float, float]]) -> None:
    """A pixel belongs to a polygon when a ray from its centre crosses the border an odd number of times."""
    mask = polygon(points, SIDE, SIDE)
    edges = [*zip(points, points[1:] + points[:1], strict=True)]
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = column + 0.5, row + 0.5
            crossed = [
                x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                for (x0, y0), (x1, y1) in edges
                if (y0 <= y) != (y1 <= y)
            ]
            if all(abs(x - at) > 1e-3 for at in crossed):
                assert mask[row, column] == (sum(at < x for at in crossed) % 2 == 1)


@OLD_ARRAYS
@given(points=corners)
@settings(max_examples=30, deadline=None)
def test_polygons_are_cocos(points: list[tuple[float, float]]) -> None:
    """COCO's own program draws the same pixels of a convex polygon, but for those at its border."""
    centre = np.mean(points, axis=0)
    ordered = sorted(points, key=lambda p: np.arctan2(p[1] - centre[1], p[0] - centre[0]))
    inside = [(float(np.clip(x, 0, SIDE)), float(np.clip(y, 0, SIDE))) for x, y in ordered]
    assume(len(set(inside)) > 2)
    ours = polygon(inside, SIDE, SIDE)
    [theirs] = coco.frPyObjects([[c for point in inside for c in point]], SIDE, SIDE)
    near = polygon_border(inside)
    assert np.array_equal(ours[~near], coco.decode(theirs).astype(bool)[~near])


def polygon_border(points: list[tuple[float, float]]) -> Any:
    """The pixels whose centre is within half a pixel of a side; COCO rounds its sides to a fifth of one."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    near = np.zeros((SIDE, SIDE), bool)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2 or 1.0
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        near |= np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)) < 0.5
    return near


@given(mask=masks, shortest=st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_brushes_are_read_and_written(mask: Any, shortest: int) -> None:
    """Any mixture of literal and repeated runs gives the region; what is written gives it back."""
    height, width = mask.shape
    assert np.array_equal(brush.mask(kinds.brush(mask * 255, shortest=shortest), width, height), mask)
    assert np.array_equal(brush.mask(brush.packed(mask), width, height), mask)


@pytest.mark.parametrize("rle", [[], [0] * 9, [1, 2, 300], ["a"], kinds.brush(np.ones((9, 9)) * 255)[:-2]])
def test_damaged_brushes_are_refused(rle: list[Any]) -> None:
    """Bytes that are no brush, end early or are of another size are refused."""
    with pytest.raises(Unreadable):
        brush.mask(rle, 9, 9)


@pytest.mark.parametrize("text", ["\x00", "o" * 40, "11", "é"])
def test_damaged_run_lengths_are_refused(text: str) -> None:
    """A string with other characters, without an end or with another sum is refused."""
    with pytest.raises(Unreadable):
        runs.mask(runs.unpacked(text), 5, 5)


def test_regions_cover_each_other() -> None:
    """The later region counts, what lies outside is cut off, and pixels under several are counted once."""
    canvas = Canvas(6, 4)
    for number, left in enumerate((-2, 1, 3), start=1):
        canvas.paint(np.ones((2, 4), bool), number, left, 1)
    drawn = canvas.drawn((Label("a"), Label("b"), Label("c")))
    assert drawn.numbers.tolist() == [[0] * 6, [1, 2, 2, 3, 3, 3], [1, 2, 2, 3, 3, 3], [0] * 6]
    assert drawn.overlapped == 2 * (1 + 2)
