"""The kinds of scene: a place under a light. Some are drawn often and some rarely, as in real collections."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenes.canvas import BLACK, Colour, Floats, linear

Rng = np.random.Generator

SNOW: Colour = linear(236, 240, 246)


@dataclass(frozen=True)
class Kind:
    """One of `scenes.places.PLACES` under one of `LIGHTS`, and how often it is drawn."""

    place: str
    light: str
    weight: float

    @property
    def name(self) -> str:
        return f"{self.place}, {self.light}"


KINDS = (
    Kind("old town", "noon", 0.17),
    Kind("downtown", "overcast", 0.16),
    Kind("suburb", "noon", 0.15),
    Kind("country", "noon", 0.12),
    Kind("downtown", "night", 0.10),
    Kind("old town", "rain", 0.09),
    Kind("country", "dusk", 0.07),
    Kind("suburb", "dawn", 0.06),
    Kind("country", "fog", 0.05),
    Kind("suburb", "snow", 0.03),
)


@dataclass(frozen=True)
class Light:
    """The light of a scene. `sun_direction` is a unit vector that points towards the sun (or the moon).

    `clouds` is the share of the sky with clouds, `fog` the share of light that is lost in a metre, `lamps`
    the brightness of lamps and headlights, `lit_windows` the share of windows with light; `wet` and `snow`
    say how much the ground shines or is white.
    """

    sun_direction: Floats
    sun: Colour
    ambient: Colour
    zenith: Colour
    horizon: Colour
    clouds: float = 0.0
    cloud: Colour = BLACK
    fog: float = 0.0015
    lamps: float = 0.0
    lit_windows: float = 0.0
    wet: float = 0.0
    snow: float = 0.0
    exposure: float = 1.0

    @property
    def night(self) -> bool:
        return self.lamps >= 1


def _direction(azimuth: float, elevation: float) -> Floats:
    """A unit vector from angles in degrees; azimuth 0 is straight ahead and 90 is to the right."""
    a, e = np.radians([azimuth, elevation])
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


_OVERHEAD = _direction(0, 90)


LIGHTS: dict[str, Callable[[Rng], Light]] = {
    "noon": lambda rng: Light(
        sun_direction=_direction(rng.choice([-1, 1]) * rng.uniform(40, 140), rng.uniform(35, 60)),
        sun=(2.5, 2.3, 2.0),
        ambient=(0.42, 0.50, 0.64),
        zenith=linear(60, 115, 190),
        horizon=linear(180, 208, 230),
        clouds=rng.uniform(0.1, 0.5),
        cloud=(0.95, 0.96, 1.0),
    ),
    "overcast": lambda rng: Light(
        sun_direction=_OVERHEAD,
        sun=(0.25, 0.25, 0.27),
        ambient=(0.80, 0.83, 0.88),
        zenith=linear(150, 155, 162),
        horizon=linear(196, 198, 200),
        clouds=rng.uniform(0.8, 1.0),
        cloud=linear(172, 175, 180),
        fog=0.003,
    ),
    "rain": lambda rng: Light(
        sun_direction=_OVERHEAD,
        sun=(0.05, 0.05, 0.06),
        ambient=(0.42, 0.47, 0.55),
        zenith=linear(96, 103, 115),
        horizon=linear(150, 157, 166),
        clouds=0.9,
        cloud=linear(110, 116, 126),
        fog=rng.uniform(0.006, 0.011),
        lamps=0.5,
        lit_windows=0.25,
        wet=1.0,
    ),
    "night": lambda rng: Light(
        sun_direction=_direction(rng.choice([-1, 1]) * 60, 50),
        sun=(0.012, 0.015, 0.025),
        ambient=(0.035, 0.045, 0.085),
        zenith=linear(8, 12, 30),
        horizon=linear(48, 45, 62),
        clouds=rng.uniform(0.0, 0.4),
        cloud=linear(38, 38, 52),
        lamps=1.0,
        lit_windows=rng.uniform(0.25, 0.5),
        wet=rng.choice([0.0, 0.4]),
        exposure=1.6,
    ),
    "dawn": lambda rng: Light(
        sun_direction=_direction(rng.choice([-1, 1]) * rng.uniform(100, 150), rng.uniform(14, 24)),
        sun=(2.3, 1.45, 0.85),
        ambient=(0.34, 0.36, 0.52),
        zenith=linear(112, 140, 190),
        horizon=linear(246, 206, 176),
        clouds=rng.uniform(0.2, 0.5),
        cloud=linear(250, 214, 200),
        fog=0.005,
    ),
    "dusk": lambda rng: Light(
        sun_direction=_direction(rng.choice([-1, 1]) * rng.uniform(5, 22), rng.uniform(5, 9)),
        sun=(1.7, 0.75, 0.3),
        ambient=(0.22, 0.17, 0.27),
        zenith=linear(64, 62, 112),
        horizon=linear(250, 150, 84),
        clouds=rng.uniform(0.2, 0.6),
        cloud=linear(196, 96, 92),
        fog=0.004,
        lamps=0.4,
        lit_windows=0.3,
    ),
    "fog": lambda rng: Light(
        sun_direction=_OVERHEAD,
        sun=(0.15, 0.15, 0.15),
        ambient=(0.70, 0.72, 0.74),
        zenith=linear(190, 194, 197),
        horizon=linear(206, 209, 211),
        fog=rng.uniform(0.022, 0.045),
    ),
    "snow": lambda rng: Light(
        sun_direction=_OVERHEAD,
        sun=(0.2, 0.2, 0.22),
        ambient=(0.72, 0.77, 0.86),
        zenith=linear(176, 184, 196),
        horizon=linear(216, 220, 226),
        clouds=rng.uniform(0.4, 0.8),
        cloud=linear(196, 201, 210),
        fog=0.006,
        snow=1.0,
    ),
}
