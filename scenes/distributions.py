"""Where scenes come from: the default streets, and two other sources of label maps of the same classes.

They stand for the sources of the paper's §4.1.8: label maps that were rendered for another purpose and are
similar to the data set's own (Synscapes) or not (GTA). The table has the class shares in percent, measured
on 100 scenes (192×256, seed 1), and the total variation distance from own: of the class shares of all
pixels, and of the class shares in each row of pixels.

          sky  building  road  pavement  vegetation  car  person  pole    classes  by row
    own  19.4      24.6  30.5       3.5        14.3  6.1     0.6   1.1      0.000   0.000
    near 16.4      26.1  31.4       4.5        13.6  6.5     0.6   0.9      0.039   0.058
    far   6.6       3.1  18.1       2.7        67.3  1.4     0.1   0.7      0.530   0.580

The distances between the two halves of own's scenes are 0.022 and 0.035.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scenes.canvas import Camera
from scenes.kinds import KINDS, Kind
from scenes.places import Layout
from scenes.shading import OVERSAMPLING
from scenes.street import Street

_Range = tuple[float, float]


@dataclass(frozen=True)
class Distribution:
    """How often each place is drawn, what is changed in it, and the ranges of the camera's parameters.

    `places` multiplies the weights of the kinds. `focal` and `centre` are shares of the width, `horizon` is a
    share of the height; `eye` is in metres above the ground and `aside` in metres to the right of the lane.
    `stream` is added to the seed and index of a scene, so that no source repeats another's scenes. Buildings
    become `height` times as high; every n-th building, car and person is kept.
    """

    places: Mapping[str, float]
    focal: _Range
    centre: _Range
    horizon: _Range
    eye: _Range
    aside: _Range
    stream: tuple[int, ...] = ()
    height: float = 1.0
    buildings_left: int = 1
    cars_left: int = 1
    people_left: int = 1

    def kind(self, rng: np.random.Generator) -> Kind:
        """One of KINDS, drawn at random."""
        weights = np.array([kind.weight * self.places[kind.place] for kind in KINDS])
        return KINDS[rng.choice(len(KINDS), p=weights / weights.sum())]

    def changed(self, layout: Layout) -> Layout:
        """The place with this distribution's changes."""
        standing = layout.street.buildings[:: self.buildings_left]
        buildings = tuple(replace(building, height=self.height * building.height) for building in standing)
        return replace(
            layout,
            street=replace(layout.street, buildings=buildings),
            cars=layout.cars[:: self.cars_left],
            people=layout.people[:: self.people_left],
        )

    def camera(self, street: Street, size: tuple[int, int], rng: np.random.Generator) -> Camera:
        """A camera for photos of `size` (height, width), in its lane or next to it."""
        height, width = (OVERSAMPLING * pixels for pixels in size)
        lane = {1: 0.0, 2: 0.5, 4: 0.25}[street.lanes]
        return Camera(
            width=width,
            height=height,
            focal=width * rng.uniform(*self.focal),
            centre=width * rng.uniform(*self.centre),
            horizon=height * rng.uniform(*self.horizon),
            x=lane * street.half_road + rng.uniform(*self.aside),
            eye=rng.uniform(*self.eye),
        )


_OWN = Distribution(
    places={"old town": 1, "downtown": 1, "suburb": 1, "country": 1},
    focal=(0.72, 0.9),
    centre=(0.38, 0.62),
    horizon=(0.42, 0.52),
    eye=(1.45, 2.1),
    aside=(-0.6, 0.6),
)
_NEAR = replace(
    _OWN,
    places={"old town": 0.8, "downtown": 1.4, "suburb": 1.1, "country": 0.8},
    focal=(0.66, 0.8),
    centre=(0.42, 0.58),
    horizon=(0.4, 0.48),
    eye=(1.8, 2.5),
    stream=(1,),
    height=1.1,
)
_FAR = Distribution(
    places={"old town": 0, "downtown": 0, "suburb": 1, "country": 2},
    focal=(0.6, 0.75),
    centre=(0.1, 0.35),
    horizon=(0.02, 0.2),
    eye=(7, 11),
    aside=(-12, -6),
    stream=(2,),
    buildings_left=6,
    cars_left=3,
    people_left=2,
)

DISTRIBUTIONS = {"own": _OWN, "near": _NEAR, "far": _FAR}
"""own   the view of a driver
near  the view from another car in another town: more avenues and suburbs, less country, buildings a tenth
      higher, a camera with a wider view that stands higher and looks a little further down
far   the view down from a mast next to suburban and country roads: hardly any sky, buildings or cars, much
      vegetation, and a road from the upper left to the lower right
"""


def distribution_named(name: str) -> Distribution:
    """The distribution of this name. Raises ValueError, which lists them all."""
    if name not in DISTRIBUTIONS:
        raise ValueError(f"There is no distribution {name!r}: choose one of {', '.join(DISTRIBUTIONS)}.")
    return DISTRIBUTIONS[name]
