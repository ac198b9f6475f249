"""Colours of classes: how far apart they are, and far-apart ones for classes that have none."""

from collections.abc import Iterable, Sequence
from itertools import product

Color = tuple[int, int, int]

SAFE_DISTANCE = 20
"""The least distance in RGB at which an error of 4 of 255 costs nothing: see docs/method.md."""
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LEVELS = (*range(0, 256, 32), 255)
LEAST_CHROMA = 64
CANDIDATES = [color for color in product(LEVELS, repeat=3) if max(color) - min(color) >= LEAST_CHROMA]


def squared_distance(one: Color, other: Color) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def far_apart(count: int, taken: Iterable[Color]) -> list[Color]:
    """`count` colours, each as far as possible from those before it, from the taken ones, black and white.

    The same call gives the same colours. Black is left for what is unlabelled; white cannot be told from a
    bright sky, or from a page. None is nearly grey: on grey streets it would look unlabelled.
    """
    distances = dict.fromkeys(CANDIDATES, 3 * 256**2)

    def keep_away_from(color: Color) -> None:
        for candidate in distances:
            distances[candidate] = min(distances[candidate], squared_distance(candidate, color))

    for color in (BLACK, WHITE, *taken):
        keep_away_from(color)
    chosen: list[Color] = []
    for _ in range(count):
        chosen.append(max(distances, key=distances.__getitem__))
        keep_away_from(chosen[-1])
    return chosen


def nearest_pair(colors: Sequence[Color]) -> tuple[float, int, int]:
    """The least distance between two of the colours, and their positions. There are at least two."""
    pairs = ((i, j) for j in range(len(colors)) for i in range(j))
    first, second = min(pairs, key=lambda pair: squared_distance(colors[pair[0]], colors[pair[1]]))
    return squared_distance(colors[first], colors[second]) ** 0.5, first, second
