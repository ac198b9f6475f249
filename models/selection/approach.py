"""How picks come nearer to the images of a pool, one pick after the other."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import euclidean, nearest_centres
from models.vectors.points import Indices, Matrix, Points, Vectors

AT_ONCE = 2**20
"""Distances between images and picks that a thread holds at a time: 4 MiB, and as much for their minima."""


@dataclass(frozen=True)
class Approach:
    """Which picks are nearer to an image than the labelled images and all picks before them.

    `before` (N,) has each image's Euclidean distance to the nearest labelled image, infinite if none is.
    Entry m of the other arrays, (M,) each, says that this is so for the image `rows[m]` and the pick in the
    place `places[m]`, with the distance `distances[m]`. The entries are in the order of the images, those of
    an image in the order of the picks. So the last one of them among the first picks is the nearest of these.
    """

    before: npt.NDArray[np.float32]
    rows: Indices
    places: Indices
    distances: npt.NDArray[np.float32]

    def to(self, row: int) -> list[tuple[int, float]]:
        """The entries of an image as (place, distance); first of all (−1, `before`), if one is labelled."""
        start, end = np.searchsorted(self.rows, [row, row + 1])
        before = float(self.before[row])
        entries = zip(self.places[start:end].tolist(), self.distances[start:end].tolist(), strict=True)
        return [*([(-1, before)] if math.isfinite(before) else []), *entries]

    def nearest(self) -> tuple[Indices, npt.NDArray[np.float32]]:
        """For every image, the place of the nearest pick, or −1 if a labelled image is as near; and the
        distance to the nearest of all of them: (N,) each.
        """
        places, distances = np.full(len(self.before), -1), self.before.copy()
        places[self.rows], distances[self.rows] = self.places, self.distances
        return places, distances


def approach(embeddings: Vectors | Points, picks: Indices, labelled: Indices) -> Approach:
    """How the `picks`, in their order, come nearer to the images of `embeddings` (N, D) than the images
    `labelled` before. A pick is nearest to itself. Raises ValueError if the embeddings are unusable.
    """
    points = Points.of(embeddings)
    before = nearest_centres(points, labelled)[1]
    of_picks = points[picks]

    def part(block: slice) -> tuple[Indices, Indices, Matrix]:
        distances = euclidean(points[block], of_picks)
        here = np.flatnonzero((block.start <= picks) & (picks < block.stop))
        distances[picks[here] - block.start, here] = 0
        least = np.minimum.accumulate(np.column_stack([before[block], distances[:, :-1]]), axis=1)
        is_nearer = distances < least
        is_nearer[picks[here] - block.start, here] = True  # also where another image has its embedding
        rows, places = np.nonzero(is_nearer)
        return rows + block.start, places, distances[rows, places]

    parts = on_all_threads(part, blocks(len(points), max(1, min(1024, AT_ONCE // len(picks)))))
    rows, places, distances = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    scale = np.float32(points.scale)
    return Approach(before * scale, rows, places, distances * scale)
