"""Draws one scene: the same seed and index give the same photo and label map."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from scenes.buildings import paint_building
from scenes.canvas import Canvas, Floats
from scenes.cars import Car, paint_car
from scenes.distributions import distribution_named
from scenes.figures import Figure, paint_person, paint_post
from scenes.ground import Ground, paint_ground
from scenes.kinds import LIGHTS, Light
from scenes.places import PLACES, Layout
from scenes.shading import OVERSAMPLING, develop
from scenes.sky import paint_horizon
from scenes.trees import paint_tree

_Thing = TypeVar("_Thing", Car, Figure)


@dataclass(frozen=True)
class Scene:
    """A photo, RGB uint8 (H, W, 3), its label map, uint8 (H, W), and the name of its kind."""

    photo: npt.NDArray[np.uint8]
    label_map: npt.NDArray[np.uint8]
    kind: str


def draw(seed: int, index: int, size: tuple[int, int] = (192, 256), distribution: str = "own") -> Scene:
    """Draws scene `index` of the collection `seed`; `size` is (height, width) in pixels, multiples of 4.

    `distribution` is one of DISTRIBUTIONS.
    """
    if any(pixels < 32 or pixels % 4 for pixels in size):
        raise ValueError(f"A scene's height and width must be multiples of 4 from 32 up, not {size}.")
    source = distribution_named(distribution)
    rng = np.random.default_rng([seed, index, *source.stream])
    kind = source.kind(rng)
    light = LIGHTS[kind.light](rng)
    layout = source.changed(PLACES[kind.place](rng))
    canvas = Canvas(source.camera(layout.street, size, rng), light.sun_direction)
    ground = paint_ground(canvas, layout.street, light, rng)
    _cast_shadows(ground, layout, light)
    _light_lamps(ground, layout, light)
    _paint_objects(canvas, layout, light)
    for building in sorted(layout.street.buildings, key=lambda building: building.start):
        paint_building(canvas, building, layout.street, light)
    paint_horizon(canvas, layout.hills, light, rng)
    label_map = np.ascontiguousarray(canvas.label[::OVERSAMPLING, ::OVERSAMPLING])
    return Scene(develop(ground, light, rng), label_map, kind.name)


def _cast_shadows(ground: Ground, layout: Layout, light: Light) -> None:
    """Darkens the ground below cars, people and trees, and where their shadows fall if the sun shines."""
    sun_x, sun_y, sun_z = light.sun_direction
    shines = max(light.sun) > 0.5
    for car in layout.cars:
        ground.shade(car.x, car.z, 0.62 * car.width, 0.56 * car.length, dark=0.75, sun=0.9)
        if shines:
            x, z = car.x - 0.7 * sun_x / sun_y, car.z - 0.7 * sun_z / sun_y
            ground.shade(x, z, 0.6 * car.width, 0.5 * car.length, sun=0.85)
    for tree in layout.trees:
        ground.shade(tree.x, tree.z, 0.25 * tree.height, 0.25 * tree.height, dark=0.3, sun=0.3)
        if shines:
            x, z = _shadow_of(tree, 0.66, light.sun_direction)
            ground.shade(x, z, 0.35 * tree.height, 0.35 * tree.height, sun=0.85)
    for person in layout.people:
        ground.shade(person.x, person.z, 0.3, 0.3, dark=0.45, sun=0.5)
        if shines:
            x, z = _shadow_of(person, 0.5, light.sun_direction)
            ground.shade(x, z, 0.25 + abs(x - person.x), 0.25 + abs(z - person.z), sun=0.7)


def _shadow_of(figure: Figure, share: float, sun: Floats) -> tuple[float, float]:
    """Where the shadow of the point at a `share` of the figure's height falls. Long shadows are cut short."""
    reach = share * min(figure.height / sun[1], 4 * figure.height)
    return figure.x - reach * sun[0], figure.z - reach * sun[2]


def _light_lamps(ground: Ground, layout: Layout, light: Light) -> None:
    """Adds pools of light below the lamps and, at night, in front of headlights."""
    if not light.lamps:
        return
    for post in layout.posts:
        if post.kind == "lamp":
            ground.light_up(
                0.85 * post.x, post.z, 5.0, (3.0 * light.lamps, 2.1 * light.lamps, 1.1 * light.lamps)
            )
    if light.night:
        ground.light_up(ground.canvas.camera.x, 9.0, 5.0, (1.1, 1.05, 0.9))
        for car in layout.cars:
            if car.oncoming:
                ground.light_up(car.x, car.z - 5, 3.0, (1.2, 1.1, 0.9))


def _paint_objects(canvas: Canvas, layout: Layout, light: Light) -> None:
    """Paints everything that stands on the ground, in the sun or in the buildings' shadow."""

    def paint(things: Sequence[_Thing], paint_thing: Callable[[Canvas, _Thing, Light, float], None]) -> None:
        x, z = np.array([[thing.x for thing in things], [thing.z for thing in things]])
        shadow = layout.street.shadow(x, np.full(len(things), 1.5), z, light.sun_direction)
        for thing, share in zip(things, shadow, strict=True):
            paint_thing(canvas, thing, light, 1 - float(share))

    paint(layout.cars, paint_car)
    paint(layout.people, paint_person)
    paint(layout.posts, paint_post)
    paint(layout.trees, paint_tree)
