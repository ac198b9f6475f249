"""Trees and bushes: a trunk and a crown of overlapping globes with ragged edges."""

import numpy as np

from scenes.canvas import Canvas, Floats, linear, noise, span
from scenes.classes import VEGETATION
from scenes.figures import Figure
from scenes.kinds import SNOW, Light

_FOLIAGE = {
    "broadleaf": [linear(70, 98, 42), linear(92, 106, 54), linear(58, 82, 50), linear(100, 96, 62)],
    "autumn": [linear(178, 110, 40), linear(190, 140, 52), linear(146, 70, 38)],
    "conifer": [linear(40, 66, 48), linear(50, 78, 52)],
    "poplar": [linear(84, 108, 54), linear(84, 96, 62)],
    "bush": [linear(76, 100, 50), linear(66, 80, 50), linear(98, 76, 64)],
}
_BARK = np.array(linear(84, 68, 54), np.float32)

_Globe = tuple[float, float, float, float]


def paint_tree(canvas: Canvas, tree: Figure, light: Light, sunlit: float) -> None:
    """Paints the tree, lit from above and from the sun's side; `tree.kind` is one of `_FOLIAGE`."""
    camera = canvas.camera
    rng = np.random.default_rng(tree.seed)
    unit = camera.focal * tree.height / tree.z
    u = camera.centre + camera.focal * (tree.x - camera.x) / tree.z
    v = camera.horizon + camera.focal * camera.eye / tree.z
    box = canvas.box(u - 0.72 * unit, v - 1.1 * unit, u + 0.72 * unit, v + 1)
    if box is None or unit < 2:
        return
    x = (span(box[1]) + np.float32(0.5 - u))[None] / np.float32(unit)
    y = (np.float32(v - 0.5) - span(box[0]))[:, None] / np.float32(unit)
    bulge, tone = _crown(_globes(tree.kind, rng), x, y, float(canvas.sun_direction[0]))
    shift = rng.integers(0, 512, 2)
    rows, columns = (y * 170).astype(np.intp) + shift[0], (x * 170).astype(np.intp) + shift[1]
    leaves, fine = noise()[rows & 511, columns & 511], noise()[(5 * rows) & 511, (5 * columns) & 511]
    crown = bulge > 0.55 * (1 - leaves) - 0.05
    trunk_height = 0.15 if tree.kind in ("bush", "conifer") else 0.6
    trunk = (np.abs(x + 0.01 * np.sin(9 * y)) < 0.036 - 0.014 * y) & (y > 0) & (y < trunk_height)

    rows, columns = canvas.in_sight(box, crown | trunk, tree.z)
    inside = (rows - box[0].start, columns - box[1].start)
    tone, leaves, fine, crown = tone[inside], leaves[inside], fine[inside], crown[inside][:, None]
    foliage = _FOLIAGE[tree.kind]
    green = np.array(foliage[rng.integers(len(foliage))], np.float32) * _variation(rng)
    shade = np.clip(0.62 + 0.35 * tone + 0.9 * (leaves - 0.5) + 0.7 * (fine - 0.5), 0.12, 1.6)
    albedo = np.where(crown, green * shade[:, None], _BARK)
    if light.snow:
        lying = crown * np.clip(2.5 * (tone + leaves - 0.45), 0, 0.9)[:, None]
        albedo = albedo * (1 - lying) + np.array(SNOW, np.float32) * lying
    sun = sunlit * np.clip(0.45 + 0.6 * tone + 0.5 * (leaves - 0.5), 0, 1)
    canvas.paint(rows, columns, VEGETATION, depth=tree.z, albedo=albedo, sun=sun)


def _crown(globes: list[_Globe], x: Floats, y: Floats, sun_x: float) -> tuple[Floats, Floats]:
    """How deep in a globe each point is (1: centre, negative: outside), and how much it faces the light."""
    bulge = np.full((len(y), x.shape[1]), -1.0, np.float32)
    tone = np.zeros_like(bulge)
    for centre_x, centre_y, radius_x, radius_y in globes:
        rows = np.flatnonzero(np.abs(y[:, 0] - centre_y) < 1.1 * radius_y)
        columns = np.flatnonzero(np.abs(x[0] - centre_x) < 1.1 * radius_x)
        if len(rows) and len(columns):
            part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            dx, dy = (x[:, part[1]] - centre_x) / radius_x, (y[part[0]] - centre_y) / radius_y
            depth = 1 - dx**2 - dy**2
            nearer = depth > bulge[part]
            bulge[part] = np.where(nearer, depth, bulge[part])
            tone[part] = np.where(nearer, 0.6 * dy + 0.5 * sun_x * dx, tone[part])
    return bulge, tone


def _variation(rng: np.random.Generator) -> Floats:
    """A factor for each channel, as trees differ in brightness and hue."""
    return (rng.uniform(0.65, 1.3) * (1 + rng.normal(0, 0.09, 3))).astype(np.float32)


def _globes(kind: str, rng: np.random.Generator) -> list[_Globe]:
    """Centres (x, y) and radii (x, y) of the globes, in units of the tree's height."""
    if kind == "conifer":
        return [(0.0, 0.14 + 0.105 * i, 0.26 * (1 - i / 9.5), 0.16) for i in range(9)]
    if kind == "poplar":
        return [
            (rng.uniform(-0.02, 0.02), 0.22 + 0.1 * i, 0.14 - 0.012 * abs(i - 2.5), 0.16) for i in range(7)
        ]
    if kind == "bush":
        return [
            (rng.uniform(-0.35, 0.35), rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.32), 0.38) for _ in range(5)
        ]
    globes = [(0.0, 0.66, 0.3, 0.28)]
    for _ in range(8):
        angle, reach, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.12, 0.24), rng.uniform(0.13, 0.2)
        globes.append((reach * np.cos(angle), 0.66 + 0.8 * reach * np.sin(angle), radius, 0.9 * radius))
    return globes
