"""Buildings: boxes with a facade towards the street and one towards the camera, and roofs."""

import numpy as np

from scenes.canvas import NEAR, Canvas, Face, linear, span
from scenes.classes import BUILDING
from scenes.facades import facade
from scenes.kinds import SNOW, Light
from scenes.street import Building, Street


def paint_building(canvas: Canvas, building: Building, street: Street, light: Light) -> None:
    """Paints the walls that the camera can see, and a pitched roof."""
    middle = street.bend(0.5 * (building.start + building.end))
    front = middle + building.side * building.front
    if building.end > NEAR:
        _paint_wall(canvas, building, street, light, front, along_street=True)
    if building.start > NEAR:
        _paint_wall(canvas, building, street, light, front, along_street=False)
        if building.pitched:
            _paint_roof(canvas, building, front, light)


def _paint_wall(
    canvas: Canvas, building: Building, street: Street, light: Light, front: float, *, along_street: bool
) -> None:
    camera = canvas.camera
    x = front - camera.x
    start = max(building.start, NEAR)
    if along_street:
        if x * building.side <= 0:
            return
        edges = camera.centre + camera.focal * x / np.array([start, building.end])
    else:
        edges = camera.centre + camera.focal * (x + building.side * np.array([0, building.depth])) / start
    top = camera.horizon - camera.focal * (building.height - camera.eye) / start
    box = canvas.box(edges.min(), top, edges.max(), camera.horizon + camera.focal * camera.eye / start + 1)
    if box is None:
        return
    u = span(box[1]) + 0.5 - camera.centre
    z = camera.focal * x / u if along_street else np.full_like(u, start)
    along = z - building.start if along_street else np.abs(u * start / camera.focal - x)
    v = span(box[0])[:, None] + 0.5
    y = camera.eye + (camera.horizon - v) * z / camera.focal
    length = building.end - building.start if along_street else building.depth
    mask = (y > 0) & (y < building.height) & (along >= 0) & (along <= length)
    rows, columns = canvas.in_sight(box, mask, z)
    if len(rows) == 0:
        return
    y, along = y[rows - box[0].start, columns - box[1].start], along[columns - box[1].start]
    z, u = z[columns - box[1].start], u[columns - box[1].start]
    albedo, glow = facade(building, light, along, y, z, camera.focal / z)
    sun_x, _, sun_z = canvas.sun_direction
    lambert = max(0.0, float(-building.side * sun_x if along_street else -sun_z))
    sun = (
        lambert * (1 - street.shadow(camera.x + u * z / camera.focal, y, z, canvas.sun_direction))
        if lambert
        else 0.0
    )
    canvas.paint(rows, columns, BUILDING, depth=z, albedo=albedo, sun=sun, glow=glow)


def _paint_roof(canvas: Canvas, building: Building, front: float, light: Light) -> None:
    """A gable roof. Its ridge runs along the street, or away from it for odd seeds."""
    rng = np.random.default_rng(building.seed + 2)
    tiles = [linear(142, 74, 56), linear(96, 84, 80), linear(120, 92, 70)]
    tile = SNOW if light.snow else tiles[rng.integers(len(tiles))]
    back = front + building.side * (building.depth + 0.4)
    near, far, eaves = building.start - 0.35, building.end + 0.35, building.height - 0.1
    if building.seed % 2:
        ridge, middle = building.height + 0.36 * (far - near), 0.5 * (near + far)
        outlines = [
            (
                [(front, eaves, near), (front, ridge, middle), (back, ridge, middle), (back, eaves, near)],
                tile,
            ),
            ([(front, eaves, near), (front, ridge, middle), (front, eaves, far)], building.wall),
        ]
    else:
        ridge, middle = building.height + 0.33 * building.depth, 0.5 * (front + back)
        outlines = [
            ([(side, eaves, near), (middle, ridge, near), (middle, ridge, far), (side, eaves, far)], tile)
            for side in (front, back)
        ]
        outlines.append(([(front, eaves, near), (back, eaves, near), (middle, ridge, near)], building.wall))
    canvas.paint_solid([Face(np.array(corners), albedo) for corners, albedo in outlines], BUILDING)
