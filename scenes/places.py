"""The places. Each lays out its street, its buildings, and everything that stands and moves there."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenes.canvas import Colour, linear, scaled
from scenes.cars import Car
from scenes.figures import Figure
from scenes.street import LENGTH, Building, Street
from scenes.street_life import (
    parked_cars,
    posts_along,
    scattered_trees,
    street_trees,
    traffic_lights,
    walkers,
    with_traffic,
)

Rng = np.random.Generator
_Rgb = tuple[int, int, int]

_OLD_TOWN_WALLS: list[_Rgb] = [
    (222, 196, 150),
    (124, 124, 122),
    (206, 152, 112),
    (226, 214, 190),
    (178, 120, 92),
    (190, 178, 160),
    (150, 152, 150),
    (214, 180, 168),
]
_DOWNTOWN_WALLS: list[_Rgb] = [
    (122, 128, 136),
    (110, 110, 110),
    (116, 84, 70),
    (176, 170, 160),
    (90, 98, 108),
    (138, 132, 126),
]
_SUBURB_WALLS: list[_Rgb] = [
    (226, 222, 212),
    (196, 150, 120),
    (150, 92, 72),
    (206, 206, 200),
    (134, 136, 138),
    (212, 190, 150),
]


@dataclass(frozen=True)
class Layout:
    """Everything in a scene. `hills` is the height of the land on the horizon as a share of its distance."""

    street: Street
    cars: list[Car]
    people: list[Figure]
    posts: list[Figure]
    trees: list[Figure]
    hills: float = 0.0


def _old_town(rng: Rng) -> Layout:
    """A narrow street of rendered houses, paved with setts; shops, many people, few cars."""
    street = Street(
        half_road=rng.uniform(2.6, 3.4),
        pavement=rng.uniform(1.5, 2.6),
        lanes=1,
        tar=_varied(linear(118, 112, 106), rng),
        slab=_varied(linear(146, 138, 128), rng),
        slab_size=0.6,
        cobbles=True,
        centre_line=False,
        phase=rng.uniform(0, 20),
    )
    row = _Row(
        widths=(6, 11),
        heights=(9, 16),
        styles=["plaster", "plaster", "mansard", "brick"],
        walls=_OLD_TOWN_WALLS,
        gaps=0.06,
    )
    return Layout(
        street=row.along(street, rng),
        cars=with_traffic(parked_cars(street, rng, 0.2), street, rng, 2),
        people=walkers(street, rng, int(rng.integers(4, 11))),
        posts=posts_along(street, rng, "lamp", spacing=18, height=5.0),
        trees=street_trees(street, rng, ["broadleaf"], share=0.1, heights=(3.4, 4.6)),
    )


def _downtown(rng: Rng) -> Layout:
    """A wide avenue between towers of glass, concrete and brick; traffic, crossings, plane trees."""
    street = Street(
        half_road=rng.uniform(6.2, 7.2),
        pavement=rng.uniform(3.2, 4.8),
        lanes=4,
        tar=_varied(linear(92, 92, 93), rng),
        slab=_varied(linear(134, 133, 130), rng),
        slab_size=1.2,
        crossing=rng.uniform(9, 30) if rng.random() < 0.6 else None,
        phase=rng.uniform(0, 20),
    )
    row = _Row(
        widths=(14, 28),
        heights=(16, 62),
        styles=["glass", "glass", "concrete", "concrete", "brick"],
        walls=_DOWNTOWN_WALLS,
        gaps=0.12,
    )
    lamps = posts_along(street, rng, "lamp", spacing=26, height=8.0)
    signs = posts_along(street, rng, "sign", spacing=40, height=2.6)
    return Layout(
        street=row.along(street, rng),
        cars=with_traffic(parked_cars(street, rng, 0.25), street, rng, int(rng.integers(4, 9))),
        people=walkers(street, rng, int(rng.integers(4, 12))),
        posts=lamps + signs + traffic_lights(street, rng),
        trees=street_trees(street, rng, ["broadleaf"], share=0.55 if rng.random() < 0.5 else 0.0),
    )


def _suburb(rng: Rng) -> Layout:
    """Detached houses behind lawns, bushes and trees; parked cars; the road bends a little."""
    street = Street(
        half_road=rng.uniform(3.0, 3.8),
        pavement=rng.uniform(1.4, 2.0),
        lanes=2,
        tar=_varied(linear(108, 106, 104), rng),
        slab=_varied(linear(144, 140, 134), rng),
        centre_line=rng.random() < 0.5,
        garden=True,
        grass=_grass(rng),
        curve=rng.uniform(-0.0012, 0.0012),
        phase=rng.uniform(0, 20),
    )
    setback = rng.uniform(3.5, 7)
    row = _Row(
        widths=(7, 12),
        heights=(3.2, 6.2),
        styles=["house"],
        walls=_SUBURB_WALLS,
        gaps=1.0,
        setback=setback,
        pitched=True,
    )
    kinds = ["broadleaf", "broadleaf", "autumn", "conifer"] if rng.random() < 0.6 else ["autumn", "broadleaf"]
    lamps = posts_along(street, rng, "lamp", spacing=30, height=6.0)
    gardens = scattered_trees(
        street, rng, 14, [*kinds, "bush", "bush", "bush"], lateral=(0.8, setback + 16), ahead=(8, 110)
    )
    return Layout(
        street=row.along(street, rng),
        cars=with_traffic(parked_cars(street, rng, 0.45), street, rng, int(rng.integers(0, 4))),
        people=walkers(street, rng, int(rng.integers(1, 5))),
        posts=lamps + posts_along(street, rng, "sign", spacing=60, height=2.4),
        trees=street_trees(street, rng, kinds, share=0.4) + gardens,
        hills=0.02,
    )


def _country(rng: Rng) -> Layout:
    """A bending road through fields, with rows of trees, telegraph poles and now and then a farm."""
    crops = [
        ((126, 138, 60), (98, 112, 50)),
        ((196, 172, 92), (168, 146, 80)),
        ((88, 124, 56), (70, 100, 48)),
        ((142, 122, 94), (112, 94, 72)),
    ]
    crop, furrow = crops[rng.integers(len(crops))]
    street = Street(
        half_road=rng.uniform(2.8, 3.6),
        pavement=0.0,
        lanes=2,
        tar=_varied(linear(116, 112, 108), rng),
        edge_lines=True,
        garden=True,
        fields=True,
        grass=_grass(rng),
        crop=_varied(linear(*crop), rng),
        furrow=_varied(linear(*furrow), rng),
        curve=rng.uniform(-0.0022, 0.0022),
        phase=rng.uniform(0, 20),
    )
    kinds = ["broadleaf", "broadleaf", "poplar", "bush"] if rng.random() < 0.6 else ["poplar", "bush"]
    side = int(rng.choice([-1, 1]))
    trees = scattered_trees(street, rng, 24, kinds, lateral=(5, 60), ahead=(15, 140))
    if rng.random() < 0.7:
        trees += street_trees(street, rng, kinds[:-1], share=1.0, heights=(6, 10), sides=(side,), beside=3.5)
    poles = posts_along(street, rng, "telegraph", spacing=24, height=7.5, sides=(-side,))
    return Layout(
        street=replace(street, buildings=_farms(rng)),
        cars=with_traffic([], street, rng, int(rng.integers(0, 4))),
        people=walkers(street, rng, int(rng.integers(0, 3))),
        posts=poles + posts_along(street, rng, "sign", spacing=70, height=2.2),
        trees=trees,
        hills=rng.uniform(0.02, 0.07),
    )


PLACES: dict[str, Callable[[Rng], Layout]] = {
    "old town": _old_town,
    "downtown": _downtown,
    "suburb": _suburb,
    "country": _country,
}


def _varied(colour: Colour, rng: Rng) -> Colour:
    """The colour with another brightness and a slightly different hue."""
    red, green, blue = np.array(colour) * rng.uniform(0.6, 1.5) * (1 + rng.normal(0, 0.07, 3))
    return float(red), float(green), float(blue)


def _grass(rng: Rng) -> Colour:
    """The colour of grass, from lush to burnt by the sun."""
    shades = [linear(86, 110, 52), linear(120, 118, 66), linear(126, 112, 78), linear(70, 92, 54)]
    return _varied(shades[rng.integers(len(shades))], rng)


@dataclass(frozen=True)
class _Row:
    """How the buildings on both sides of a street vary; `gaps` is the share of them that a gap follows."""

    widths: tuple[float, float]
    heights: tuple[float, float]
    styles: list[str]
    walls: list[_Rgb]
    gaps: float
    setback: float = 0.0
    pitched: bool = False

    def along(self, street: Street, rng: Rng) -> Street:
        buildings = []
        for side in (-1, 1):
            start = rng.uniform(-12, 0)
            while start < LENGTH - 10:
                end = start + rng.uniform(*self.widths)
                front = street.half_road + street.pavement + self.setback
                building = Building(
                    side=side,
                    front=front + (rng.uniform(0, 2.5) if self.setback else 0),
                    start=start,
                    end=end,
                    height=rng.uniform(*self.heights),
                    depth=rng.uniform(8, 13),
                    style=self.styles[rng.integers(len(self.styles))],
                    wall=scaled(linear(*self.walls[rng.integers(len(self.walls))]), rng.uniform(0.75, 1.1)),
                    pitched=self.pitched,
                    seed=int(rng.integers(1 << 30)),
                )
                buildings.append(building)
                start = end + (rng.uniform(3.5, 10) if rng.random() < self.gaps else 0)
        return replace(street, buildings=tuple(buildings))


def _farms(rng: Rng) -> tuple[Building, ...]:
    walls: list[_Rgb] = [(150, 62, 48), (214, 206, 190), (140, 116, 90)]
    farms = []
    for start in rng.uniform(18, 80, int(rng.integers(0, 3))):
        farm = Building(
            side=int(rng.choice([-1, 1])),
            front=rng.uniform(9, 22),
            start=start,
            end=start + rng.uniform(9, 15),
            height=rng.uniform(3.5, 5.5),
            depth=rng.uniform(7, 10),
            style="barn" if rng.random() < 0.5 else "house",
            wall=linear(*walls[rng.integers(len(walls))]),
            pitched=True,
            seed=int(rng.integers(1 << 30)),
        )
        farms.append(farm)
    return tuple(farms)
