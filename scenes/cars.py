"""Cars, vans and buses: a body and a cabin on wheels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes.canvas import BLACK, Canvas, Colour, Face, linear, scaled
from scenes.classes import CAR
from scenes.kinds import Light

_Point = tuple[float, float, float]
_Profile = Sequence[tuple[float, float]]

PAINTS: tuple[Colour, ...] = (
    linear(28, 30, 34),
    linear(70, 74, 80),
    linear(150, 154, 160),
    linear(222, 224, 226),
    linear(176, 32, 34),
    linear(36, 66, 128),
    linear(44, 92, 70),
    linear(206, 170, 60),
    linear(110, 130, 150),
    linear(96, 58, 44),
    linear(226, 120, 50),
    linear(150, 196, 206),
)

_GLASS, _TYRE, _RIM = linear(44, 54, 64), linear(22, 22, 24), linear(120, 122, 126)
_TAIL_LIGHT, _HEADLIGHT = linear(170, 30, 28), linear(225, 225, 215)
_BUMPER, _PLATE = linear(40, 41, 44), linear(220, 220, 200)


@dataclass(frozen=True)
class Shape:
    """Side views as (distance from the rear, height) in metres, from the lower rear corner over the top."""

    width: float
    roof: float
    """Width of the roof as a share of the width at the bottom of the cabin."""
    body: _Profile
    cabin: _Profile

    @property
    def length(self) -> float:
        return self.body[-1][0]


SHAPES = {
    "saloon": Shape(
        width=1.76,
        roof=0.77,
        body=((0, 0.3), (0.02, 0.86), (0.75, 0.95), (3.35, 0.92), (4.4, 0.72), (4.45, 0.3)),
        cabin=((0.7, 0.94), (1.35, 1.42), (2.55, 1.44), (3.35, 0.92)),
    ),
    "hatchback": Shape(
        width=1.72,
        roof=0.77,
        body=((0, 0.3), (0.02, 0.95), (0.2, 1.0), (2.9, 0.95), (3.75, 0.75), (3.8, 0.3)),
        cabin=((0.12, 0.97), (0.55, 1.46), (2.1, 1.48), (2.95, 0.94)),
    ),
    "van": Shape(
        width=1.95,
        roof=0.93,
        body=((0, 0.35), (0, 1.2), (0.1, 1.25), (3.9, 1.2), (4.7, 1.0), (4.8, 0.35)),
        cabin=((0.05, 1.22), (0.1, 2.15), (3.3, 2.2), (3.95, 1.2)),
    ),
    "bus": Shape(
        width=2.4,
        roof=0.93,
        body=((0, 0.35), (0, 1.2), (0.1, 1.2), (9.9, 1.2), (10, 1.1), (10, 0.35)),
        cabin=((0.05, 1.2), (0.05, 2.95), (9.8, 2.95), (9.95, 1.2)),
    ),
}


@dataclass(frozen=True)
class Car:
    """A car whose middle is at (x, z); an oncoming one shows its front. `yaw` is in radians, to the right."""

    x: float
    z: float
    shape: str
    paint: Colour
    oncoming: bool
    yaw: float = 0.0

    @property
    def width(self) -> float:
        return SHAPES[self.shape].width

    @property
    def length(self) -> float:
        return SHAPES[self.shape].length

    def face(self, points: Sequence[_Point], albedo: Colour, glow: Colour = BLACK) -> Face:
        """A face from points (to the right, up, ahead of the rear) in the car's own frame."""
        across, up, along = np.array(points).T
        ahead = along - self.length / 2
        if self.oncoming:
            ahead, across = -ahead, -across
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return Face(
            np.stack([self.x + across * cos + ahead * sin, up, self.z + ahead * cos - across * sin], axis=1),
            albedo,
            glow,
        )


def paint_car(canvas: Canvas, car: Car, light: Light, sunlit: float) -> None:
    """Paints body, wheels, lights and cabin."""
    canvas.paint_solid([*_body(car), *_wheels(car), *_ends(car, light.lamps)], CAR, sunlit=sunlit)
    canvas.paint_solid(_cabin(car), CAR, sunlit=sunlit)


def _strip(near: tuple[float, float], far: tuple[float, float], low: float, high: float) -> list[_Point]:
    """A face across the car, from one corner of its profile to the next, of half-widths `low` and `high`."""
    (z1, y1), (z2, y2) = near, far
    return [(-low, y1, z1), (low, y1, z1), (high, y2, z2), (-high, y2, z2)]


def _body(car: Car) -> list[Face]:
    shape, half = SHAPES[car.shape], car.width / 2
    sides = [car.face([(side * half, y, z) for z, y in shape.body], car.paint) for side in (-1, 1)]
    corners = zip(shape.body, shape.body[1:], strict=False)
    return sides + [car.face(_strip(near, far, half, half), car.paint) for near, far in corners]


def _cabin(car: Car) -> list[Face]:
    shape, foot = SHAPES[car.shape], 0.97 * car.width / 2
    halves = [foot, foot * shape.roof, foot * shape.roof, foot]
    faces = []
    for side in (-1, 1):
        wall = np.array([(side * half, y, z) for half, (z, y) in zip(halves, shape.cabin, strict=True)])
        faces.append(car.face(wall.tolist(), car.paint))
        if car.shape != "van":
            pane = 0.88 * wall + 0.12 * wall.mean(axis=0) + (side * 0.02, 0, 0)
            faces.append(car.face(pane.tolist(), _GLASS))
    for i in range(3):
        wall = np.array(_strip(shape.cabin[i], shape.cabin[i + 1], halves[i], halves[i + 1]))
        faces.append(car.face(wall.tolist(), scaled(car.paint, 1.05)))
        if i != 1:  # The rear window and the windscreen, a little outside the wall.
            pane = 0.84 * wall + 0.16 * wall.mean(axis=0) + (0, 0, -0.03 if i == 0 else 0.03)
            faces.append(car.face(pane.tolist(), _GLASS))
    return faces


def _wheels(car: Car) -> list[Face]:
    radius = 0.48 if car.shape == "bus" else 0.33
    half, angles = car.width / 2, np.linspace(0, 2 * np.pi, 12, endpoint=False)
    faces = []
    for side in (-1, 1):
        for along in (0.2 * car.length, 0.8 * car.length):
            for share, out, albedo in ((1.0, 0.01, _TYRE), (0.55, 0.02, _RIM)):
                circle = share * radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
                points = [(side * (half + out), radius + up, along + ahead) for up, ahead in circle.tolist()]
                faces.append(car.face(points, albedo))
        for end in (-0.01, car.length + 0.01):  # The tyre as the camera sees it from the front or the rear.
            inner, outer = side * (half - 0.22), side * half
            faces.append(
                car.face([(inner, 0, end), (outer, 0, end), (outer, 0.32, end), (inner, 0.32, end)], _TYRE)
            )
    return faces


def _ends(car: Car, lamps: float) -> list[Face]:
    """Lights, bumpers and number plates, a little outside the body."""
    half = car.width / 2

    def panel(left: float, right: float, low: float, high: float, z: float) -> list[_Point]:
        return [(left, low, z), (right, low, z), (right, high, z), (left, high, z)]

    faces = []
    for end, low, albedo, glow in (
        (-0.03, 0.66, _TAIL_LIGHT, (1.0, 0.04, 0.03)),
        (car.length + 0.03, 0.54, _HEADLIGHT, (1.0, 0.9, 0.7)),
    ):
        faces.append(car.face(panel(-half, half, 0.28, 0.42, end), _BUMPER))
        faces.append(car.face(panel(-0.26, 0.26, 0.46, 0.58, end), _PLATE))
        for side in (-1, 1):
            lens = panel(side * 0.62 * half, side * 0.97 * half, low, low + 0.17, end)
            faces.append(car.face(lens, albedo, scaled(glow, lamps)))
    return faces
