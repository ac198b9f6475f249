"""Makes a photo from the canvas: sun and ambient light, fog, reflections on wet ground, the camera."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from scenes.canvas import Floats, noise_at
from scenes.classes import VEGETATION
from scenes.ground import Ground
from scenes.kinds import Light
from scenes.sky import sky

OVERSAMPLING = 2
"""Pixels of the canvas for each pixel of the photo, along each side."""


def develop(ground: Ground, light: Light, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The camera's photo of the ground's canvas, RGB uint8."""
    canvas = ground.canvas
    colour = canvas.sun[..., None] * np.array(light.sun, np.float32)
    colour += np.array(light.ambient, np.float32)
    colour *= canvas.albedo
    colour += canvas.glow
    clear = np.exp(np.float32(-light.fog) * canvas.depth)[..., None]
    colour -= np.array(light.horizon, np.float32)
    colour *= clear
    colour += np.array(light.horizon, np.float32)
    above = sky(canvas.camera, light, rng, OVERSAMPLING).repeat(OVERSAMPLING, 0).repeat(OVERSAMPLING, 1)
    open_sky = np.isinf(canvas.depth[: len(above)])
    colour[: len(above)][open_sky] = above[: canvas.camera.height][open_sky]
    if light.wet:
        _reflect(colour, ground, light)
    photo = _expose(_bloom(_halved(colour), 0.6 if light.lamps else 0.12), light, rng)
    return _with_rain(photo, rng) if light.wet == 1 else photo


def _halved(colour: Floats) -> Floats:
    """The mean of each square of `OVERSAMPLING` pixels. Light adds up linearly, so edges become smooth."""
    parts = range(OVERSAMPLING)
    total = sum(colour[row::OVERSAMPLING, column::OVERSAMPLING] for row in parts for column in parts)
    return np.asarray(total / OVERSAMPLING**2)


def _reflect(colour: Floats, ground: Ground, light: Light) -> None:
    """Mirrors what stands above the horizon in wet ground, smeared, most at flat angles."""
    canvas, top = ground.canvas, ground.top
    mirrored = int(2 * canvas.camera.horizon) - np.arange(top, len(colour))
    smeared = sum(colour[np.clip(mirrored - shift, 0, top - 1)] for shift in (0, 4, 9, 15)) / 4
    puddles = np.clip((noise_at(ground.x, ground.z, 6.0) - 0.35) * 2.5, 0.15, 1)
    mirror = (canvas.depth[top:] == ground.z) & (canvas.label[top:] != VEGETATION)
    share = (0.5 * light.wet * puddles * np.clip(ground.z / 14, 0.25, 1) * mirror)[..., None]
    colour[top:] += share * (smeared - 0.6 * colour[top:])


def _bloom(colour: Floats, strength: float) -> Floats:
    """Spills very bright light over its surroundings."""
    height, width, _ = colour.shape
    spill = np.maximum(colour - 0.9, 0).reshape(height // 4, 4, width // 4, 4, 3).sum((1, 3)) / 16
    kernel = np.exp(-(np.arange(-4, 5, dtype=np.float32) ** 2) / 6)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padding = [(4, 4) if side == axis else (0, 0) for side in range(3)]
        padded = np.pad(spill, padding)
        length = spill.shape[axis]
        spill = sum(weight * padded.take(range(i, i + length), axis) for i, weight in enumerate(kernel))
    return np.asarray(colour + strength * spill.repeat(4, 0).repeat(4, 1), np.float32)


def _expose(colour: Floats, light: Light, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Applies the camera: exposure and white balance vary, highlights are compressed, the sensor is noisy."""
    gain = light.exposure * rng.uniform(0.8, 1.2) * (1 + rng.normal(0, 0.05, 3))
    colour = colour * gain.astype(np.float32)
    photo = 255 * np.clip(colour / (1 + 0.18 * colour), 0, 1) ** np.float32(1 / 2.2)
    photo += 2.2 * rng.standard_normal((*photo.shape[:2], 1), np.float32)
    photo += 1.2 * rng.standard_normal(photo.shape, np.float32)
    return np.clip(photo, 0, 255).astype(np.uint8)


def _with_rain(photo: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    image = Image.fromarray(photo)
    draw = ImageDraw.Draw(image, "RGBA")
    slant = rng.uniform(-0.15, 0.15)
    for _ in range(photo.size // 1000):
        x, y, length = rng.uniform(0, image.width), rng.uniform(-10, image.height), rng.uniform(4, 13)
        draw.line([(x, y), (x + slant * length, y + length)], fill=(205, 212, 222, int(rng.integers(28, 75))))
    return np.asarray(image)
