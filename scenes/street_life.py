"""Everything that stands and moves along a street: cars, people, posts and trees."""

import numpy as np

from scenes.cars import PAINTS, SHAPES, Car
from scenes.figures import Figure
from scenes.street import Street

Rng = np.random.Generator

_BOTH = (-1, 1)


def parked_cars(street: Street, rng: Rng, share: float) -> list[Car]:
    """Cars parked at both kerbs, in a `share` of the places."""
    cars = []
    for side in _BOTH:
        z = rng.uniform(5, 12)
        while z < 70:
            if rng.random() < share:
                cars.append(_car(street, rng, side * (street.half_road - 0.95), z, oncoming=side < 0))
            z += rng.uniform(5.6, 9)
    return cars


def with_traffic(parked: list[Car], street: Street, rng: Rng, count: int) -> list[Car]:
    """The parked cars, and at most `count` moving ones; on the left they come towards the camera."""
    lanes = {1: [0.0], 2: [-0.45, 0.45], 4: [-0.6, -0.2, 0.2, 0.6]}[street.lanes]
    cars = list(parked)
    for _ in range(count):
        lane = lanes[rng.integers(len(lanes))]
        car = _car(street, rng, lane * street.half_road, 7 + 55 * rng.random() ** 1.5, oncoming=lane < 0)
        if all(abs(car.z - other.z) > 9 or abs(car.x - other.x) > 2.0 for other in cars):
            cars.append(car)
    return cars


def _car(street: Street, rng: Rng, lateral: float, z: float, *, oncoming: bool) -> Car:
    shares = [0.40, 0.40, 0.15, 0.05] if street.lanes > 2 else [0.40, 0.47, 0.13, 0.0]
    shape = list(SHAPES)[rng.choice(len(SHAPES), p=shares)]
    z += 4 if shape == "bus" else 0
    slope = 2 * street.curve * z
    return Car(
        street.bend(z) + lateral,
        z,
        shape,
        PAINTS[rng.integers(len(PAINTS))],
        oncoming,
        float(np.arctan(slope)),
    )


def walkers(street: Street, rng: Rng, count: int) -> list[Figure]:
    """People on both pavements; a few cross the road, most of them where there is a crossing."""
    people = []
    for _ in range(count):
        z = 5 + 38 * rng.random() ** 1.4
        lateral = street.half_road + rng.uniform(0.3, max(street.pavement - 0.45, 0.6))
        if rng.random() < (0.08 if street.crossing is None else 0.3):
            lateral = street.half_road * rng.uniform(0.3, 0.95)
            z = z if street.crossing is None else street.crossing
        x = street.bend(z) + rng.choice(_BOTH) * lateral
        people.append(Figure("person", x, z, rng.uniform(1.55, 1.9), _seed(rng)))
    return people


def posts_along(
    street: Street, rng: Rng, kind: str, *, spacing: float, height: float, sides: tuple[int, ...] = _BOTH
) -> list[Figure]:
    """Posts of `kind`, about every `spacing` metres."""
    posts = []
    for side in sides:
        for z in np.arange(rng.uniform(4, 4 + spacing), 110, spacing * rng.uniform(0.9, 1.1)):
            x = street.bend(z) + side * (street.half_road + (0.5 if street.pavement else 1.8))
            posts.append(Figure(kind, x, z, height, _seed(rng)))
    return posts


def traffic_lights(street: Street, rng: Rng) -> list[Figure]:
    """A post on each side of the crossing, if there is one."""
    if street.crossing is None:
        return []
    z = street.crossing + 2.4
    return [Figure("traffic light", side * (street.half_road + 0.6), z, 3.4, _seed(rng)) for side in _BOTH]


def street_trees(
    street: Street,
    rng: Rng,
    kinds: list[str],
    *,
    share: float,
    heights: tuple[float, float] = (4.5, 8),
    sides: tuple[int, ...] = _BOTH,
    beside: float = 0.8,
) -> list[Figure]:
    """Rows of trees `beside` metres from the kerb or the gardens' edge, in a `share` of the places."""
    trees = []
    for side in sides:
        for z in np.arange(rng.uniform(7, 14), 100, rng.uniform(8, 12)):
            if rng.random() < share:
                lateral = street.half_road + beside + (street.pavement if street.garden else 0)
                kind = kinds[rng.integers(len(kinds))]
                trees.append(
                    Figure(kind, street.bend(z) + side * lateral, z, rng.uniform(*heights), _seed(rng))
                )
    return trees


def scattered_trees(
    street: Street,
    rng: Rng,
    count: int,
    kinds: list[str],
    *,
    lateral: tuple[float, float],
    ahead: tuple[float, float],
) -> list[Figure]:
    """Trees and bushes, anywhere between these distances from the pavement and from the camera."""
    trees = []
    for _ in range(count):
        z, kind = rng.uniform(*ahead), kinds[rng.integers(len(kinds))]
        x = street.bend(z) + rng.choice(_BOTH) * (street.half_road + street.pavement + rng.uniform(*lateral))
        height = rng.uniform(1.1, 2.4) if kind == "bush" else rng.uniform(5, 11)
        trees.append(Figure(kind, x, z, height, _seed(rng)))
    return trees


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 30))
