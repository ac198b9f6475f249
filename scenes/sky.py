"""The sky with clouds, sun and stars, and the horizon below it: woods and hills, or roofs."""

import numpy as np

from scenes.canvas import Camera, Canvas, Colour, Floats, linear, noise, noise_at, span
from scenes.classes import BUILDING, VEGETATION
from scenes.kinds import Light


def sky(camera: Camera, light: Light, rng: np.random.Generator, step: int) -> Floats:
    """The light of the sky above the horizon, float32 (h, w, 3), for every `step`-th pixel each way."""
    rows = np.arange(0.5, max(1.0, camera.horizon + 1), step, dtype=np.float32)[:, None]
    columns = np.arange(0.5, camera.width, step, dtype=np.float32)
    slope = np.maximum(camera.horizon - rows, 0) / np.float32(camera.focal)  # The tangent of the elevation.
    azimuth = (columns - np.float32(camera.centre)) / np.float32(camera.focal)
    height = (1 - np.exp(-3.5 * slope))[..., None]
    colour = _array(light.horizon) * (1 - height) + _array(light.zenith) * height

    far = 1 / (slope + np.float32(0.06))  # Clouds lie on a flat ceiling.
    shift = rng.uniform(0, 500, 2).astype(np.float32)
    density = 0.65 * noise_at(azimuth * far + shift[0], far * 1.6 + shift[1], 26.0)
    density += 0.35 * noise_at(azimuth * far + shift[1], far * 1.6 + shift[0], 90.0)
    cover = np.clip((density - 1 + 0.9 * light.clouds) * 4, 0, 1) * np.clip(slope * 14, 0, 1)
    clouds = _array(light.cloud) * (0.72 + 0.4 * density)[..., None]
    colour = colour + (clouds - colour) * cover[..., None]
    x, y, z = light.sun_direction
    if z > 0.2 and not light.night:
        distance = np.hypot(azimuth - np.float32(x / z), slope - np.float32(y / z))
        halo = (0.5 * np.exp(-3 * distance) + 6 * (distance < 0.03)) * (1 - 0.7 * cover)
        colour = colour + halo[..., None] * _array(light.sun)
    if light.night:
        stars = (rng.random(density.shape) > 0.998) * (1 - cover) * np.clip(slope * 3, 0, 1)
        colour = colour + 0.4 * stars[..., None]
    return np.asarray(colour, np.float32)


def paint_horizon(canvas: Canvas, hills: float, light: Light, rng: np.random.Generator) -> None:
    """Paints a wood in front of hills, whose height is the share `hills` of their distance; or roofs."""
    camera = canvas.camera
    azimuth = (np.arange(camera.width, dtype=np.float32) + 0.5 - camera.centre) / camera.focal
    shift = int(rng.integers(512))
    if not hills:
        blocks = np.floor(azimuth / 0.035).astype(np.intp) & 1023
        _paint_band(
            canvas, 0.05 + 0.13 * rng.random(1024)[blocks], BUILDING, 170.0, linear(126, 126, 130), light, rng
        )
        return
    waves = noise()[shift, ((azimuth * 90).astype(np.intp) + shift) & 511]
    crowns = noise()[shift, ((azimuth * 420).astype(np.intp) + 3 * shift) & 511]
    wood = np.clip(0.012 + 0.03 * crowns + 0.05 * (waves - 0.4), 0.006, None)
    _paint_band(canvas, wood, VEGETATION, 190.0, linear(62, 84, 46), light, rng)
    _paint_band(canvas, hills * (0.6 + 1.2 * waves), VEGETATION, 420.0, linear(92, 108, 78), light, rng)


def _paint_band(
    canvas: Canvas,
    slope: Floats,
    label: int,
    depth: float,
    albedo: Colour,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Paints something that rises above the horizon by `slope`, the tangent of its elevation per column."""
    camera = canvas.camera
    top = camera.horizon - camera.focal * slope
    box = canvas.box(0, float(top.min()), camera.width, camera.horizon + 1)
    if box is None:
        return
    v = span(box[0])[:, None] + 0.5
    rows, columns = canvas.in_sight(box, v > top, depth)
    texture = noise_at(columns.astype(np.float32), 2 * rows.astype(np.float32), 1.5)
    colour = _array(albedo) * (0.75 + 0.5 * texture)[:, None]
    if light.snow:
        colour = 0.5 * colour + 0.4
    glow: Floats | float = 0.0
    if label == BUILDING:
        windows = (rng.random(len(rows)) < 0.12 * light.lit_windows) & (rows % 3 == 0)
        glow = windows[:, None] * np.array([0.6, 0.45, 0.25])
    canvas.paint(rows, columns, label, depth=depth, albedo=colour, sun=0.5, glow=glow)


def _array(colour: Colour) -> Floats:
    return np.array(colour, np.float32)
