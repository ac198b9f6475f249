"""The canvas: what the camera sees at every pixel, before any light falls on it.

Surfaces are painted in any order and the nearest one wins. Its class goes into the label map in the same
step, so that photo and label map cannot disagree. Coordinates are metres: x to the right, y up, z ahead of
the camera. Colours are linear light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Box = tuple[slice, slice]
Colour = tuple[float, float, float]

BLACK: Colour = (0.0, 0.0, 0.0)

NEAR = 0.5
"""Distance in metres below which nothing is visible."""


def span(part: slice) -> Floats:
    """The rows or columns of one side of a box, float32."""
    return np.arange(part.start, part.stop, dtype=np.float32)


def linear(red: int, green: int, blue: int) -> Colour:
    """A colour in sRGB bytes as linear light, 0 to 1 (gamma 2.2)."""
    return (red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour, made brighter or darker by a factor."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@cache
def noise() -> Floats:
    """A tile, float32 (512, 512), of fractal noise that repeats seamlessly, evenly spread over 0 to 1."""
    size = 512
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(np.random.default_rng(7).normal(size=(size, size)))
    values = np.fft.irfft2(spectrum / frequency**1.3)
    ranks = values.ravel().argsort().argsort().reshape(size, size)
    return (ranks / ranks.size).astype(np.float32)


def noise_at(x: Floats, y: Floats, scale: float) -> Floats:
    """The noise at the coordinates `x` and `y`, which broadcast; `scale` is the tile's pixels per unit."""
    columns, rows = (x * scale).astype(np.int32) & 511, (y * scale).astype(np.int32) & 511
    values: Floats = noise()[rows, columns]
    return values


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at (x, eye, 0) that looks along z, with its principal point at (centre, horizon)."""

    width: int
    height: int
    focal: float
    centre: float
    horizon: float
    x: float
    eye: float

    def project(self, points: Floats) -> Floats:
        """The pixel coordinates (N, 2), column first, of `points` (N, 3)."""
        depth = np.maximum(points[:, 2], NEAR)
        columns = self.centre + self.focal * (points[:, 0] - self.x) / depth
        rows = self.horizon - self.focal * (points[:, 1] - self.eye) / depth
        return np.stack([columns, rows], axis=1)


@dataclass(frozen=True)
class Face:
    """A flat polygon of a convex solid: its corners (N, 3) in order, albedo and emitted light."""

    corners: Floats
    albedo: Colour
    glow: Colour = BLACK


class Patch:
    """A small drawing in flat colours, in which each pixel is the number of a colour; 0 is transparent."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.image = Image.new("L", (box[1].stop - box[1].start, box[0].stop - box[0].start))
        self.draw = ImageDraw.Draw(self.image)
        self.colours: list[tuple[float, ...]] = [(0.0,) * 7]

    def colour(self, albedo: Colour, sun: float = 0.0, glow: Colour = BLACK) -> int:
        """The number that stands for this albedo, share of the sun's light, and emitted light."""
        self.colours.append((*albedo, sun, *glow))
        return len(self.colours) - 1

    def outline(self, pixels: Floats) -> list[tuple[float, float]]:
        """Pixel coordinates (N, 2) of the canvas as coordinates of this drawing."""
        return [(u - self.box[1].start, v - self.box[0].start) for u, v in pixels.tolist()]


class Canvas:
    """For each pixel: albedo, the share of the sun's light that arrives, emitted light, depth, class."""

    def __init__(self, camera: Camera, sun_direction: Floats) -> None:
        shape = (camera.height, camera.width)
        self.camera = camera
        self.sun_direction = sun_direction
        self.albedo: Floats = np.zeros((*shape, 3), np.float32)
        self.sun: Floats = np.zeros(shape, np.float32)
        self.glow: Floats = np.zeros((*shape, 3), np.float32)
        self.depth: Floats = np.full(shape, np.inf, np.float32)
        self.label: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box | None:
        """The pixels of the canvas between these edges, or None."""
        columns = slice(max(0, int(left)), min(self.camera.width, int(np.ceil(right))))
        rows = slice(max(0, int(top)), min(self.camera.height, int(np.ceil(bottom))))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def paint(
        self,
        rows: Ints,
        columns: Ints,
        label: int,
        *,
        depth: Floats | float,
        albedo: Floats,
        sun: Floats | float,
        glow: Floats | float = 0.0,
    ) -> None:
        """Paints the N pixels (rows, columns), which `in_sight` found; colours are (N, 3)."""
        self.depth[rows, columns] = depth
        self.sun[rows, columns] = sun
        self.albedo[rows, columns] = albedo
        self.glow[rows, columns] = glow
        self.label[rows, columns] = label

    def in_sight(self, box: Box, mask: Bools, depth: Floats | float) -> tuple[Ints, Ints]:
        """The rows and columns of the pixels of `box` that are in `mask` and not behind something nearer."""
        rows, columns = np.nonzero(mask & (depth < self.depth[box]))
        return rows + box[0].start, columns + box[1].start

    def paint_patch(self, patch: Patch, label: int, depth: float) -> None:
        """Paints a drawing that stands upright at `depth`."""
        numbers = np.asarray(patch.image)
        rows, columns = self.in_sight(patch.box, numbers > 0, depth)
        drawn = numbers[rows - patch.box[0].start, columns - patch.box[1].start]
        albedo, sun, glow = np.split(np.array(patch.colours, np.float32)[drawn], [3, 4], axis=1)
        self.paint(rows, columns, label, depth=depth, albedo=albedo, sun=sun[:, 0], glow=glow)

    def paint_solid(self, faces: Sequence[Face], label: int, *, sunlit: float = 1.0) -> None:
        """Paints the faces that are turned to the camera, far ones first; `sunlit` is 0 in a shadow."""
        camera = self.camera
        corners = np.concatenate([face.corners for face in faces])
        depth = float(corners[:, 2].min())
        pixels = camera.project(corners)
        box = self.box(*pixels.min(axis=0), *(pixels.max(axis=0) + 1))
        if depth < 2 * NEAR or box is None:
            return
        patch = Patch(box)
        first, second, third = (np.array([face.corners[i] for face in faces]) for i in range(3))
        normals = np.cross(second - first, third - first)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        outward = np.sign(((first - corners.mean(axis=0)) * normals).sum(axis=1))
        normals *= outward[:, None]
        visible = (normals * (np.array([camera.x, camera.eye, 0.0]) - first)).sum(axis=1) > 0
        light = np.maximum(normals @ self.sun_direction, 0) * sunlit
        ends = np.cumsum([len(face.corners) for face in faces])
        distance = [float(face.corners[:, 2].sum()) / len(face.corners) for face in faces]
        for i in sorted(np.flatnonzero(visible).tolist(), key=lambda i: -distance[i]):
            outline = patch.outline(pixels[ends[i] - len(faces[i].corners) : ends[i]])
            patch.draw.polygon(outline, fill=patch.colour(faces[i].albedo, float(light[i]), faces[i].glow))
        self.paint_patch(patch, label, depth)
