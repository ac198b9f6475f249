"""Upright things that are drawn flat: people, street lamps, traffic lights, signs, telegraph poles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes.canvas import BLACK, Canvas, Colour, Patch, linear, scaled
from scenes.classes import PERSON, POLE
from scenes.kinds import Light

_SKIN = (linear(240, 200, 170), linear(198, 146, 110), linear(122, 82, 58), linear(84, 56, 42))
_HAIR = (linear(30, 24, 20), linear(96, 64, 40), linear(196, 160, 96), linear(130, 130, 130))
_SHOE, _STICK = linear(34, 30, 28), linear(40, 40, 40)
_STEEL, _IRON, _WOOD = linear(112, 116, 120), linear(52, 60, 58), linear(104, 84, 66)
_LAMP_GLASS, _LAMPLIGHT = linear(230, 228, 210), (2.6, 1.9, 1.0)
_SIGNS = (linear(190, 36, 40), linear(40, 84, 160), linear(220, 190, 60), linear(226, 226, 226))
_TRAFFIC: tuple[Colour, ...] = ((1.0, 0.08, 0.05), (1.0, 0.6, 0.05), (0.1, 0.9, 0.4))


@dataclass(frozen=True)
class Figure:
    """Something upright at (x, z), `height` metres tall; `kind` says what it is, `seed` decides the rest."""

    kind: str
    x: float
    z: float
    height: float
    seed: int


_Points = Sequence[tuple[float, float]]


class _Brush:
    """Draws in units of a figure's height: (0, 0) is the bottom and (0, 1) the top."""

    def __init__(self, patch: Patch, foot: tuple[float, float], unit: float, sun: float) -> None:
        self.patch, self.foot, self.unit, self.sun = patch, foot, unit, sun

    def line(self, points: _Points, width: float, albedo: Colour, glow: Colour = BLACK) -> None:
        fill, pixels = self.patch.colour(albedo, self.sun, glow), max(1, round(width * self.unit))
        self.patch.draw.line(self._pixels(points), fill=fill, width=pixels, joint="curve")

    def polygon(self, points: _Points, albedo: Colour) -> None:
        self.patch.draw.polygon(self._pixels(points), fill=self.patch.colour(albedo, self.sun))

    def ellipse(self, x: float, y: float, rx: float, ry: float, albedo: Colour, glow: Colour = BLACK) -> None:
        corners = self._pixels([(x - rx, y + ry), (x + rx, y - ry)])
        self.patch.draw.ellipse(corners, fill=self.patch.colour(albedo, self.sun, glow))

    def _pixels(self, points: _Points) -> list[tuple[float, float]]:
        return self.patch.outline(np.array(self.foot) + np.array(points) * (self.unit, -self.unit))


def _brush_for(canvas: Canvas, figure: Figure, sunlit: float) -> _Brush | None:
    """A brush for a patch around the figure. None if the figure is out of sight or too small."""
    camera = canvas.camera
    unit = camera.focal * figure.height / figure.z
    u = camera.centre + camera.focal * (figure.x - camera.x) / figure.z
    v = camera.horizon + camera.focal * camera.eye / figure.z
    box = canvas.box(u - 0.6 * unit, v - 1.2 * unit, u + 0.6 * unit, v + 1)
    return _Brush(Patch(box), (u, v), unit, 0.6 * sunlit) if box is not None and unit > 2 else None


def paint_person(canvas: Canvas, person: Figure, light: Light, sunlit: float) -> None:
    """Someone who walks or stands; in the rain, most carry an umbrella."""
    rng = np.random.default_rng(person.seed)
    brush = _brush_for(canvas, person, sunlit)
    if brush is None:
        return
    coat, trousers, umbrella = (_cloth(rng) for _ in range(3))
    skin, hair = _SKIN[rng.integers(len(_SKIN))], _HAIR[rng.integers(len(_HAIR))]
    stride, swing = rng.uniform(0, 0.11), rng.uniform(-0.07, 0.07)
    hem, drop = (0.115, 0.34) if rng.random() < 0.3 else (0.075, 0.46)
    for side in (-1, 1):
        ankle = side * (0.035 + stride)
        brush.line([(side * 0.035, 0.5), (ankle, 0.02)], 0.072, scaled(trousers, 0.5))
        brush.line([(ankle, 0.02), (ankle + 0.03, 0.015)], 0.04, _SHOE)
        hand = side * 0.1 - 1.7 * swing
        sleeve = [(side * 0.09, 0.785), (side * 0.115 - swing, 0.63), (hand, 0.49)]
        brush.line(sleeve, 0.046, scaled(coat, 0.8))
        brush.ellipse(hand, 0.475, 0.018, 0.02, skin)
    brush.polygon([(-0.06, 0.83), (0.06, 0.83), (0.1, 0.79), (hem, drop), (-hem, drop), (-0.1, 0.79)], coat)
    brush.ellipse(0.0, 0.928, 0.05, 0.066, hair)
    brush.ellipse(0.006, 0.912, 0.04, 0.054, skin)
    if light.wet == 1 and rng.random() < 0.7:
        brush.line([(0.08, 0.7), (0.08, 1.05)], 0.012, _STICK)
        brush.polygon([(-0.24, 1.02), (-0.12, 1.13), (0.08, 1.17), (0.26, 1.13), (0.4, 1.02)], umbrella)
    canvas.paint_patch(brush.patch, PERSON, person.z)


def _cloth(rng: np.random.Generator) -> Colour:
    """A colour, mostly muted, sometimes bright."""
    grey, red, green, blue = rng.uniform(25, 200), *rng.uniform(15, 225, 3)
    share = rng.beta(1.2, 1.5)
    return linear(*(int(grey + share * (value - grey)) for value in (red, green, blue)))


def paint_post(canvas: Canvas, post: Figure, light: Light, sunlit: float) -> None:
    """A lamp that leans over the road, a traffic light, a telegraph pole or a sign."""
    rng = np.random.default_rng(post.seed)
    brush = _brush_for(canvas, post, sunlit)
    if brush is None:
        return
    metre = 1 / post.height
    metal = _STEEL if rng.random() < 0.6 else _IRON
    if post.kind == "lamp":
        inward = -1 if post.x > 0 else 1
        brush.line([(0, 0), (0, 0.97), (inward * 0.06, 1.0), (inward * 0.2, 1.0)], 0.16 * metre, metal)
        bulb = [(inward * 0.15, 0.985), (inward * 0.27, 0.985)]
        brush.line(bulb, 0.2 * metre, _LAMP_GLASS, scaled(_LAMPLIGHT, light.lamps))
    elif post.kind == "telegraph":
        brush.line([(0, 0), (0, 1.0)], 0.24 * metre, _WOOD)
        brush.line([(-0.12, 0.93), (0.12, 0.93)], 0.14 * metre, _WOOD)
    elif post.kind == "traffic light":
        brush.line([(0, 0), (0, 1.0)], 0.14 * metre, metal)
        brush.polygon([(-0.055, 0.72), (0.055, 0.72), (0.055, 1.0), (-0.055, 1.0)], _STICK)
        on = int(rng.integers(3))
        for place, colour in enumerate(_TRAFFIC):
            glow = colour if place == on else BLACK
            brush.ellipse(0, 0.955 - 0.09 * place, 0.03, 0.035, scaled(colour, 0.12), glow)
    else:
        _draw_sign(brush, rng, metre)
    canvas.paint_patch(brush.patch, POLE, post.z)


def _draw_sign(brush: _Brush, rng: np.random.Generator, metre: float) -> None:
    board = _SIGNS[rng.integers(len(_SIGNS))]
    brush.line([(0, 0), (0, 0.95)], 0.09 * metre, _STEEL)
    if rng.random() < 0.5:
        brush.ellipse(0, 0.87, 0.13, 0.13, linear(228, 228, 228))
        brush.ellipse(0, 0.87, 0.11, 0.11, board)
    else:
        brush.polygon([(-0.12, 0.76), (0.12, 0.76), (0.12, 0.98), (-0.12, 0.98)], board)
