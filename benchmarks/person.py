"""A simulated person who labels a photo with a mouse, and how long each act takes.

Times are those of the keystroke-level model (Card, Moran and Newell 1980): a moment of thought, 1.35 s;
pointing at a place, 1.1 s; a key, 0.28 s; pressing or releasing the button, 0.1 s; drawing n straight
segments of l centimetres together, 0.9 n + 0.16 l. A pixel of the photo is SHOWN screen pixels wide.
"""

from dataclasses import dataclass, field
from typing import Any

import contourpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

THINK, POINT, KEY, BUTTON = 1.35, 1.1, 0.28, 0.1
SEGMENT, CENTIMETRE = 0.9, 0.16
SHOWN, PIXELS_PER_CM = 2.5, 37.8
HAND = 1.0
"""Standard deviation of where a hand points, in pixels of the photo."""
TOLERANCE = 1.5
"""How far a polygon may be from the outline that it follows, in pixels of the photo."""
LARGEST_BRUSH, TURN_EVERY = 16, 40.0
"""Radius of the largest brush; a stroke turns after so many pixels."""
NONE = 255
MARGIN = 24
"""Pixels around a region: more than a hand errs, and than a segment is wide."""

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass
class Effort:
    """What a person did: strokes of the brush, clicks of polygons, keys, and seconds."""

    strokes: int = 0
    clicks: int = 0
    keys: int = 0
    seconds: float = 0.0

    def key(self, wait: float = 0.0) -> None:
        """Think, press a key, and wait for what it does."""
        self.keys += 1
        self.seconds += THINK + KEY + wait

    def stroke(self, length: float) -> None:
        """Draw a stroke of so many pixels of the photo."""
        self.strokes += 1
        self.seconds += _drawing(length)

    def polygon(self, corners: int) -> None:
        self.clicks += corners
        self.seconds += corners * (POINT + 2 * BUTTON)


def _drawing(length: float) -> float:
    segments = max(1, round(length / TURN_EVERY))
    return POINT + 2 * BUTTON + SEGMENT * segments + CENTIMETRE * length * SHOWN / PIXELS_PER_CM


@dataclass
class Person:
    """Labels one photo of known truth; `map` is the label map that is seen so far, `painted` the part of it
    that was painted by hand.
    """

    truth: Map
    classes: int
    seed: int
    superpixels: NDArray[np.int32] | None = None
    """The segment of every pixel, if there is a brush that takes whole segments."""
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        self.map = np.full_like(self.truth, NONE)
        self.painted = self.map.copy()
        self.random = np.random.default_rng(self.seed)

    @property
    def right(self) -> float:
        """The share of the labelled pixels that are right."""
        labelled = self.truth < self.classes
        return float((self.map == self.truth)[labelled].mean())

    def correct(self, goal: float, most: int | None = None) -> bool:
        """Fix regions of wrong pixels, the largest first, each in the way that fixes most pixels a second;
        at most so many. Returns whether there is more to do: the share `goal` is not right yet, and something
        could be fixed.
        """
        fixes = 0
        while self.right < goal:
            before = self.right
            for index, region in _regions(self.truth, self.map, self.classes):
                self._fix(index, region)
                fixes += 1
                if self.right >= goal:
                    return False
                if fixes == most:
                    return True
            if self.right <= before + 1e-4:
                return False
        return False

    def _fix(self, index: int, region: Mask) -> None:
        """Choose the class, then paint the region by the best of brush, polygon, and superpixels."""
        box = _around(region)
        part, truth, found = region[box], self.truth[box], self.map[box]
        ways = [self._brush(part), self._polygon(part)]
        if self.superpixels is not None:
            ways.append(_segments(self.superpixels[box], part, truth == index, truth < self.classes))
        labelled = truth < self.classes
        better = labelled & (truth == index) & (found != index)
        worse = labelled & (truth != index) & (found == truth)

        def rate(way: tuple[Mask, Effort]) -> float:
            painted, effort = way
            gain = int((painted & better).sum()) - int((painted & worse).sum())
            return gain / (effort.seconds + THINK + KEY)

        painted, effort = max(ways, key=rate)
        if rate((painted, effort)) <= 0:
            return
        found[painted] = index
        self.painted[box][painted] = index
        self.effort.key()
        self.effort.strokes += effort.strokes
        self.effort.clicks += effort.clicks
        self.effort.seconds += effort.seconds

    def _brush(self, region: Mask) -> tuple[Mask, Effort]:
        """One stroke with the widest brush that fits, over all of the region that it reaches."""
        radius = int(min(LARGEST_BRUSH, max(1, ndimage.distance_transform_edt(region).max() * 0.7)))
        painted = _opened(region, radius)
        effort = Effort()
        effort.stroke(float(painted.sum()) / (2 * radius))
        return self._shaken(painted), effort

    def _polygon(self, region: Mask) -> tuple[Mask, Effort]:
        """A polygon along the outline of the region."""
        padded = np.pad(region, 1).astype(float)
        lines: Any = contourpy.contour_generator(z=padded).lines(0.5)
        outline: NDArray[np.float64] = max(lines, key=len) - 1
        corners = simplified(outline, TOLERANCE)
        placed = corners + self.random.normal(0, HAND, corners.shape)
        image = Image.new("1", region.shape[::-1])
        ImageDraw.Draw(image).polygon([tuple(corner) for corner in placed.tolist()], fill=1)
        effort = Effort()
        effort.polygon(len(corners))
        return np.array(image), effort

    def _shaken(self, painted: Mask) -> Mask:
        down, right = np.rint(self.random.normal(0, HAND, 2)).astype(int)
        moved: Mask = ndimage.shift(painted, (down, right), order=0)
        return moved


def _segments(
    superpixels: NDArray[np.int32], region: Mask, is_class: Mask, labelled: Mask
) -> tuple[Mask, Effort]:
    """One stroke over the segments that are mostly of the class and touch the region."""
    names, places = np.unique(superpixels, return_inverse=True)
    places = places.reshape(superpixels.shape)
    inside, whole, touched = (
        np.bincount(places[mask], minlength=len(names)) for mask in (labelled & is_class, labelled, region)
    )
    taken = (touched > 0.3 * np.maximum(whole, 1)) & (inside > 0.6 * whole)
    effort = Effort()
    effort.stroke(float(taken.sum()) * np.sqrt(superpixels.size / len(names)))
    return taken[places], effort


def _around(region: Mask) -> tuple[slice, slice]:
    """The part of the photo in which all is that painting the region can change."""
    sides = [np.flatnonzero(region.any(axis=axis)) for axis in (1, 0)]
    down, right = (slice(max(0, int(side[0]) - MARGIN), int(side[-1]) + MARGIN + 1) for side in sides)
    return down, right


def stroke_through(region: Mask, longest: int = 40, radius: int = 2) -> Mask:
    """A short stroke through the middle of a region, within it."""
    depth = ndimage.distance_transform_edt(region)
    down, right = np.unravel_index(int(depth.argmax()), region.shape)
    rows, columns = np.indices(region.shape)
    near = (np.abs(columns - right) <= longest / 2) & (np.abs(rows - down) <= radius)
    mask: Mask = near & region
    return mask


def _regions(truth: Map, found: Map, classes: int) -> list[tuple[int, Mask]]:
    """Connected wrong pixels of one true class, the largest first; specks are left out."""
    regions: list[tuple[int, int, Mask]] = []
    for index in range(classes):
        numbers, count = ndimage.label((truth == index) & (found != truth))
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)
        for number in np.argsort(-sizes[1:], kind="stable")[:40] + 1:
            if sizes[number] >= 6:
                regions.append((int(sizes[number]), index, numbers == number))
    regions.sort(key=lambda region: -region[0])
    return [(index, mask) for _, index, mask in regions]


def _opened(region: Mask, radius: int) -> Mask:
    """What a disc of this radius reaches that stays in the region."""
    inner = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1] > radius
    if not inner.any():
        return region
    reached: Mask = ndimage.distance_transform_edt(~inner) <= radius
    return reached


def simplified(line: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """The corners of a closed line that keep it within a tolerance (Douglas and Peucker 1973)."""
    far = int(np.abs(line - line[0]).sum(axis=1).argmax())
    kept = {0, far, len(line) - 1}
    spans = [(0, far), (far, len(line) - 1)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        chord, between = line[end] - line[start], line[start + 1 : end] - line[start]
        length = float(np.hypot(*chord)) or 1.0
        away = np.abs(chord[0] * between[:, 1] - chord[1] * between[:, 0]) / length
        if away.max() > tolerance:
            middle = start + 1 + int(away.argmax())
            kept.add(middle)
            spans += [(start, middle), (middle, end)]
    corners: NDArray[np.float64] = line[sorted(kept)[:-1]]
    return corners
