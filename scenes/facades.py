"""Facades: walls divided into storeys and bays, with windows, shutters, shops and signs."""

from dataclasses import dataclass

import numpy as np

from scenes.canvas import Bools, Colour, Floats, Ints, linear, noise_at
from scenes.kinds import Light
from scenes.street import Building

LAMPLIGHT = np.array([1.0, 0.62, 0.26], np.float32)
DAYLIGHT_TUBE = np.array([0.75, 0.85, 1.0], np.float32)


@dataclass(frozen=True)
class Style:
    """How a facade is divided, in metres; a window's width and height are shares of its bay and storey."""

    bay: float
    storey: float
    window: tuple[float, float]
    base: float
    shop: bool = False
    frame: Colour | None = None
    bricks: bool = False
    shutters: bool = False
    mansard: float = 0.0
    cornice: float = 0.5


STYLES = {
    "plaster": Style(2.4, 3.1, (0.42, 0.56), 3.6, shop=True, frame=linear(228, 224, 214), shutters=True),
    "mansard": Style(2.6, 3.3, (0.44, 0.60), 3.8, shop=True, frame=linear(214, 208, 196), mansard=2.6),
    "brick": Style(3.0, 3.2, (0.46, 0.52), 3.8, shop=True, frame=linear(210, 206, 198), bricks=True),
    "concrete": Style(2.2, 3.3, (0.80, 0.48), 4.4, shop=True),
    "glass": Style(1.7, 3.6, (0.90, 0.88), 4.8, shop=True),
    "house": Style(3.1, 2.7, (0.42, 0.48), 0.2, frame=linear(236, 234, 228), cornice=0.15),
    "barn": Style(6.0, 5.0, (0.14, 0.16), 0.2, cornice=0.1),
}

# The materials of a facade, which index its palette.
_WALL, _GLASS, _LIT, _FRAME, _TRIM, _SIGN, _SHUTTER, _SLATE, _DOOR = range(9)


def facade(
    building: Building, light: Light, along: Floats, y: Floats, z: Floats, pixels: Floats
) -> tuple[Floats, Floats]:
    """Albedo and emitted light, (N, 3) each, of points of a wall.

    They are `along` metres from the wall's corner, `y` above the ground and `z` ahead of the camera, where a
    metre is `pixels` wide.
    """
    style = STYLES[building.style]
    rooms = np.random.default_rng(building.seed).random((64, 2), np.float32)
    bay, storey = along / style.bay, (y - style.base) / style.storey
    room = (np.floor(bay).astype(np.int32) * 7 + np.floor(storey).astype(np.int32) * 13) & 63
    lit = rooms[room, 0] < light.lit_windows
    material = _materials(building, style, bay, storey, y, lit, near=z < 25)
    if style.shop:
        _add_shop(material, style, along, y, lit | (light.lamps > 0.3))
    elif building.style == "house":
        material[(np.abs(along - 1.5 * style.bay) < 0.5) & (y < 2.1)] = _DOOR

    tone = 1 + 0.35 * (noise_at(along + 90 * rooms[0, 1], y + z, 5.0) - 0.5)
    if style.bricks:
        course = np.floor(y / 0.22)
        joint = (y / 0.22 % 1 < 0.16) | ((along / 0.5 + 0.5 * (course % 2)) % 1 < 0.09)
        tone += 0.5 * np.clip(pixels / 14 - 0.25, 0, 1) * (joint & (material == _WALL))
    tone[material == _GLASS] *= (0.45 + 0.9 * rooms[room, 1] + 0.25 * (storey % 1))[material == _GLASS]
    albedo = _palette(building, style, light)[material] * tone[:, None]
    albedo *= np.clip(0.72 + 0.1 * y, 0, 1)[:, None]  # Less light from the sky reaches the bottom of a wall.
    glow = np.zeros_like(albedo)
    shining = material == _LIT
    colour = np.where((rooms[room, 1] < 0.75)[:, None], LAMPLIGHT, DAYLIGHT_TUBE)
    strength = (0.25 + 0.55 * rooms[room, 1]) * max(light.lamps, 0.3)
    glow[shining] = (colour * strength[:, None])[shining]
    if light.night:
        glow += albedo * LAMPLIGHT * (0.55 * np.exp(-y / 5))[:, None]
    return albedo, glow


def _materials(
    building: Building, style: Style, bay: Floats, storey: Floats, y: Floats, lit: Bools, near: Bools
) -> Ints:
    right, up = np.abs(bay % 1 - 0.5), np.abs(storey % 1 - 0.5)
    wide, high = style.window[0] / 2, style.window[1] / 2
    eaves = building.height - style.mansard
    upper = (y > style.base) & (y < eaves - style.cornice)
    material = np.full(y.shape, _WALL, np.uint8)
    if style.frame:
        material[(right < wide + 0.045) & (up < high + 0.045) & upper] = _FRAME
    if style.shutters:
        material[(right < 2 * wide) & (up < high) & upper] = _SHUTTER
    pane = (right < wide) & (up < high) & upper
    material[pane] = np.where(lit, _LIT, _GLASS)[pane]
    material[pane & (right < 0.025) & near] = _FRAME
    material[(y > eaves - style.cornice) & (y < eaves)] = _TRIM
    if style.mansard:
        material[y > eaves] = _SLATE
        material[(y > eaves) & (right < 0.2) & (y < building.height - 0.8)] = _GLASS
    return material


def _add_shop(material: Ints, style: Style, along: Floats, y: Floats, lit: Bools) -> None:
    """A shop window, a door and a sign in the ground floor of every two bays."""
    place = along / (2 * style.bay) % 1
    below_sign = y < style.base - 1.0
    material[y < style.base] = _WALL
    pane = below_sign & (np.abs(place - 0.42) < 0.33) & (y > 0.5)
    material[pane] = np.where(lit, _LIT, _GLASS)[pane]
    material[below_sign & (np.abs(place - 0.88) < 0.085)] = _DOOR
    material[(np.abs(y - style.base + 0.55) < 0.3) & (place < 0.97)] = _SIGN
    material[np.abs(y - style.base) < 0.12] = _TRIM


def _palette(building: Building, style: Style, light: Light) -> Floats:
    rng = np.random.default_rng(building.seed + 1)
    wall = np.asarray(building.wall)
    sky = 0.5 * (np.asarray(light.zenith) + np.asarray(light.horizon))
    colours = [
        wall,
        (0.10 + 0.45 * sky / max(1.0, float(sky.max()))) * (0.3 if light.night else 1.0),
        np.full(3, 0.3),
        np.asarray(style.frame or 0.7 * wall),
        np.minimum(1.25 * wall, 0.9),
        0.06 + 0.6 * rng.dirichlet([0.7, 0.7, 0.7]),
        np.asarray(linear(66, 92, 84) if rng.random() < 0.5 else linear(110, 70, 52)),
        np.asarray(linear(88, 92, 104)),
        np.asarray(linear(74, 54, 44)) * rng.uniform(0.6, 1.5),
    ]
    return np.asarray(colours, np.float32) * np.float32(1 - 0.2 * light.wet)
