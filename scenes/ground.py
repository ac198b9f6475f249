"""The ground: road and markings, kerbs, pavement, lawns and fields, and the shadows and pools of light on
them.
"""

from dataclasses import dataclass

import numpy as np

from scenes.canvas import Box, Canvas, Colour, Floats, Ints, linear, noise_at, scaled
from scenes.classes import PAVEMENT, ROAD, VEGETATION
from scenes.kinds import SNOW, Light
from scenes.street import Street

# The materials of the ground, which index the palette; from _GRASS on they are plants.
_TAR, _PAINT, _KERB, _SLAB, _JOINT, _GRASS, _CROP, _FURROW = range(8)
_CLASSES = np.array([ROAD, ROAD, PAVEMENT, PAVEMENT, PAVEMENT, VEGETATION, VEGETATION, VEGETATION], np.uint8)


@dataclass(frozen=True)
class Ground:
    """The ground of a canvas: from row `top` down, the x (h, w) and z (h, 1) of each pixel in metres."""

    canvas: Canvas
    top: int
    x: Floats
    z: Floats

    def shade(
        self, x: float, z: float, width: float, length: float, *, dark: float = 0.0, sun: float = 0.0
    ) -> None:
        """Darkens an ellipse: its centre (x, z) loses the share `dark` of all light and `sun` of sunlight."""
        view = self._around(x, z, 1.5 * max(width, length))
        if view is not None:
            xs, zs = self._metres(view)
            shadow = np.exp(-((((xs - x) / width) ** 2 + ((zs - z) / length) ** 2) ** 2))
            self.canvas.sun[view] *= 1 - sun * shadow
            if dark:
                self.canvas.albedo[view] *= (1 - dark * shadow)[..., None]

    def light_up(self, x: float, z: float, radius: float, colour: Colour) -> None:
        """A pool of light around (x, z)."""
        view = self._around(x, z, 2 * radius)
        if view is not None:
            xs, zs = self._metres(view)
            pool = np.exp(-((xs - x) ** 2 + (zs - z) ** 2) / radius**2)
            self.canvas.glow[view] += (
                self.canvas.albedo[view] * pool[..., None] * np.asarray(colour, np.float32)
            )

    def _metres(self, view: Box) -> tuple[Floats, Floats]:
        rows = slice(view[0].start - self.top, view[0].stop - self.top)
        return self.x[rows, view[1]], self.z[rows]

    def _around(self, x: float, z: float, reach: float) -> Box | None:
        """The pixels within `reach` metres of (x, z), in a rectangle."""
        camera = self.canvas.camera
        near, far = max(z - reach, 1.0), z + reach
        if far <= 1.0:
            return None
        edges = [
            camera.focal * (x + side - camera.x) / depth for side in (-reach, reach) for depth in (near, far)
        ]
        drop = camera.focal * camera.eye
        return self.canvas.box(
            camera.centre + min(edges),
            max(self.top, camera.horizon + drop / far),
            camera.centre + max(edges),
            camera.horizon + drop / near,
        )


def paint_ground(canvas: Canvas, street: Street, light: Light, rng: np.random.Generator) -> Ground:
    """Paints everything below the horizon."""
    camera = canvas.camera
    top = max(0, int(np.ceil(camera.horizon + 0.5)))
    columns = np.arange(camera.width, dtype=np.float32) + 0.5 - camera.centre
    rows = np.arange(top, camera.height, dtype=np.float32)[:, None] + 0.5 - camera.horizon
    z = (camera.focal * camera.eye / rows).astype(np.float32)
    x = (camera.x + columns * z / camera.focal).astype(np.float32)
    offset = x - np.float32(street.curve) * z * z
    shifted = z + np.float32(street.phase)
    material = _materials(street, offset, z, shifted)
    albedo = _palette(street, light)[material]
    albedo *= _grain(street, material, offset, z, shifted, rng)[..., None]
    if light.snow:
        _cover_with_snow(albedo, street, offset, z)
    canvas.albedo[top:] = albedo
    canvas.depth[top:] = z
    canvas.label[top:] = _CLASSES[material]
    height = float(canvas.sun_direction[1])
    canvas.sun[top:] = height * (1 - street.shadow(x, np.zeros_like(z), z, canvas.sun_direction))
    return Ground(canvas, top, x, z)


def _palette(street: Street, light: Light) -> Floats:
    dry = 1 - 0.45 * light.wet
    slab = scaled(street.slab, dry)
    colours = [
        scaled(street.tar, dry),
        linear(215, 213, 205),
        scaled(street.slab, 1.15 * dry),
        slab,
        scaled(slab, 0.6),
        street.grass,
        street.crop,
        street.furrow,
    ]
    return np.asarray(colours, np.float32)


def _materials(street: Street, offset: Floats, z: Floats, shifted: Floats) -> Ints:
    across = np.abs(offset)
    material = np.full(offset.shape, _TAR, np.uint8)
    dash = (shifted % 9) < 4
    if street.centre_line:
        material[(across < 0.08) & (dash | (street.lanes > 2))] = _PAINT
    if street.lanes > 2:
        material[(np.abs(across - street.half_road / 2) < 0.07) & dash] = _PAINT
    if street.edge_lines:
        material[np.abs(across - street.half_road + 0.3) < 0.07] = _PAINT
    if street.crossing is not None:
        on_road = across < street.half_road - 0.3
        material[on_road & (np.abs(z - street.crossing) < 1.6) & (offset % 1.0 < 0.5)] = _PAINT
        material[on_road & (np.abs(z - street.crossing + 3.2) < 0.2) & (offset > 0)] = _PAINT
    edge = street.half_road + street.pavement
    if street.pavement:
        beside = across > street.half_road
        material[beside] = _SLAB
        joint = (offset % street.slab_size < 0.05) | (shifted % street.slab_size < 0.05)
        material[beside & joint & (z < 22)] = _JOINT
        material[beside & (across < street.half_road + 0.18)] = _KERB
    if street.garden:
        material[across > edge] = _GRASS
    if street.fields:
        material[across > edge + 3] = _CROP
        material[(across > edge + 3) & (offset % 1.6 < 0.55)] = _FURROW
    return material


def _grain(
    street: Street, material: Ints, offset: Floats, z: Floats, shifted: Floats, rng: np.random.Generator
) -> Floats:
    """A factor on the brightness of each pixel. It fades far away, where it would flicker."""
    fade = np.clip(1.2 - z / 40, 0.15, 1)
    shift = np.float32(rng.uniform(0, 50))
    coarse = noise_at(offset + shift, shifted + shift, 7.0) - 0.5
    fine = noise_at(offset + shift, shifted, 90.0) - 0.5
    rough = np.where(material >= _GRASS, np.float32(0.9), np.float32(0.28))
    grain = 1 + 0.45 * coarse * np.clip(1.4 - z / 90, 0.3, 1) + rough * fine * fade
    on_tar = material == _TAR
    if street.cobbles:
        row = np.floor(shifted / 0.22)
        stone = offset / 0.28 + 0.5 * (row % 2)
        tone = (np.floor(stone) * 12.9898 + row * 78.233) % 3.7 / 3.7
        gap = (stone % 1 < 0.13) | (shifted / 0.22 % 1 < 0.15)
        grain *= 1 + on_tar * np.clip(1.5 - z / 14, 0, 1) * (0.5 * (tone - 0.5) - 0.45 * gap)
    return np.asarray(grain * (1 - 0.12 * on_tar * _wheel_tracks(street, offset, 0.35)), np.float32)


def _wheel_tracks(street: Street, offset: Floats, width: float) -> Floats:
    """1 in the wheel tracks, falling to 0 over `width` metres."""
    from_track = np.abs(np.abs(np.abs(offset) - street.half_road / 2) - 0.75)
    return np.asarray(np.exp(-((from_track / width) ** 2)))


def _cover_with_snow(albedo: Floats, street: Street, offset: Floats, z: Floats) -> None:
    """Adds snow everywhere except in the wheel tracks; it is thin on the road."""
    patches = np.clip(3.0 * (noise_at(offset, z, 11.0) - 0.25), 0, 1)
    on_road = np.abs(offset) < street.half_road
    thin = 0.85 * patches * (1 - 0.9 * _wheel_tracks(street, offset, 0.5))
    depth = np.where(on_road, thin, 0.75 + 0.25 * patches)[..., None]
    albedo *= 1 - depth
    albedo += depth * np.asarray(SNOW, np.float32)
