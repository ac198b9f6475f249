"""The street: the widths and materials of its parts, and the buildings along it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenes.canvas import BLACK, Colour, Floats

LENGTH = 160
"""Metres of street that are laid out ahead of the camera."""

_BEHIND = 16
"""Metres behind the camera in which buildings still cast shadows."""


@dataclass(frozen=True)
class Building:
    """A box whose front stands `front` metres from the road's centre, from `start` to `end` along it.

    `style` is one of `scenes.facades.STYLES`; `seed` decides its windows, signs and roof.
    """

    side: int
    front: float
    start: float
    end: float
    height: float
    depth: float
    style: str
    wall: Colour
    pitched: bool
    seed: int


@dataclass(frozen=True)
class Street:
    """Sizes in metres, albedos in linear light. The road's centre is at x = curve · z².

    A street without a pavement needs no slab, one without gardens no grass, one without fields no crop.
    """

    half_road: float
    pavement: float
    lanes: int
    tar: Colour
    slab: Colour = BLACK
    slab_size: float = 1.0
    grass: Colour = BLACK
    crop: Colour = BLACK
    furrow: Colour = BLACK
    centre_line: bool = True
    edge_lines: bool = False
    cobbles: bool = False
    garden: bool = False
    fields: bool = False
    curve: float = 0.0
    phase: float = 0.0
    crossing: float | None = None
    buildings: tuple[Building, ...] = ()

    def bend(self, z: float) -> float:
        """The x of the road's centre at `z`."""
        return self.curve * z * z

    def shadow(self, x: Floats, y: Floats, z: Floats, sun: Floats) -> Floats:
        """1 at the points (x, y, z) where a row of buildings hides the sun, else 0."""
        side = 1 if sun[0] > 0 else -1
        if abs(sun[0]) < 0.05:
            return np.zeros(np.broadcast(x, y, z).shape, np.float32)
        front, heights = self._rows[side]
        reach = (side * front - x) / np.float32(sun[0])
        there = np.clip(z + reach * np.float32(sun[2]) + _BEHIND, 0, len(heights) - 1).astype(np.intp)
        hidden = (heights[there] > y + reach * np.float32(sun[1])) & (reach > 0.05)
        return np.asarray(hidden, np.float32)

    @cached_property
    def _rows(self) -> dict[int, tuple[float, Floats]]:
        """For each side, the position of the fronts, and the height of the buildings at every metre."""
        rows = {}
        for side in (-1, 1):
            heights = np.zeros(_BEHIND + LENGTH + 64, np.float32)
            fronts = [0.0]
            for building in self.buildings:
                if building.side == side:
                    start, end = (max(0, int(edge) + _BEHIND) for edge in (building.start, building.end))
                    heights[start:end] = building.height
                    fronts.append(building.front)
            rows[side] = (float(np.median(fronts)), heights)
        return rows
