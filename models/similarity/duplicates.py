"""Images that are nearly the same: groups of them within a pool, and those that cross its split."""

from collections.abc import Sequence

import numpy as np
import torch

from models.vectors.blocks import blocks, check, on_all_threads
from models.vectors.distances import euclidean, table
from models.vectors.points import Distances, Indices, Matrix, Points, Vectors

DUPLICATE_SHARE = 0.35
"""The default threshold of near-duplicates, as a share of the `typical_distance`.

Chosen by eye, with EfficientNet-Lite0. On CamVid, pairs below 0.35 show the same standing scene with a car
or two moved; at 0.45 it may be another place of the same street. On Maps, pairs below 0.35 show
overlapping or empty (water) tiles; from 0.40 on, blocks of houses elsewhere in town. A photo and its JPEG
at quality 50, its mirror image, or its cut by 5 % are 0.3 apart, its JPEG at quality 90 is 0.1.
"""

PAIRS = 4096
"""Pairs drawn for the typical distance: its standard error is then under one percent."""

BLOCK = 1024
MEASURED = 128
"""Images looked for, and pairs measured, at a time: the latter fit into a core's cache."""

MANY = 64
"""From one pair in so many on it is quicker to compare all by a matrix product than to measure these."""

COMPARED = 2**22
"""Distances that a thread compares at a time: 16 MiB."""

ROUNDING = 3e-3
"""How much longer than it is a projected distance may come out, as a share of the lengths of its vectors."""


def typical_distance(
    embeddings: Vectors, seed: int = 0, rows: Sequence[int] | Indices | None = None
) -> float:
    """The median Euclidean distance of two different random images of `embeddings`, (N, D), of drawn pairs.

    They are drawn among the `rows`, by default all. It is the scale on which an encoder's distances are near
    or far; 0 of fewer than two images.
    """
    among = np.arange(len(embeddings)) if rows is None else np.asarray(rows, np.intp)
    count = len(among)
    if count < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    first = rng.integers(count, size=PAIRS)
    second = (first + rng.integers(1, count, size=PAIRS)) % count
    return float(np.median(pair_distances(embeddings, among[first], among[second])))


def pair_distances(embeddings: Vectors, first: Indices, second: Indices) -> Matrix:
    """The Euclidean distance of each row of `first`, (P,), to that of `second`: float32 (P,).

    Differences come first, so that distances of near images are exact. A few pairs are read at a time.
    """
    distances = np.empty(len(first), np.float32)
    for pairs in blocks(len(first), MEASURED):
        check()
        # PyTorch widens float16 ten times as fast as NumPy.
        a, b = (torch.from_numpy(np.asarray(embeddings[rows[pairs]])) for rows in (first, second))
        wide = torch.promote_types(a.dtype, torch.float32)
        distances[pairs] = torch.linalg.vector_norm(a.to(wide) - b.to(wide), dim=1).numpy()
    return distances


def duplicate_groups(
    embeddings: Vectors, threshold: float, rows: Sequence[int] | Indices | None = None
) -> list[list[int]]:
    """Groups of two or more images of which the first represents the others: each is within `threshold`.

    `rows` (by default all, in their order) are looked at one after the other: a row joins the first
    representative within the threshold, Euclidean distance, or becomes a representative itself. So put rows
    first that have to represent, such as labelled ones. Unlike connected groups these do not chain: of a
    drive whose every frame resembles the next one, the last frame does not count as a duplicate of the first.

    Memory holds 129 numbers an image. Raises ValueError for a negative threshold and for embeddings that are
    not finite.
    """
    if len(embeddings) == 0:
        return []
    order = np.arange(len(embeddings)) if rows is None else np.asarray(rows, np.intp)
    known = _Nearby(Points.of(embeddings), _checked(threshold))
    groups: dict[int, list[int]] = {}
    for block in blocks(len(order), BLOCK):
        check()
        chunk = order[block]
        queries, places = known.within(chunk)
        matched, firsts = _least(queries, places)
        for query, place in zip(matched, firsts, strict=True):
            groups[int(known.rows[place])].append(int(chunk[query]))
        new = np.delete(chunk, matched)
        represent = _representatives(new, known.emptied())
        for row, first in zip(new, new[represent], strict=True):
            groups.setdefault(int(first), []).append(int(row))
        known.add(new[np.unique(represent)])
    return sorted(group for group in groups.values() if len(group) > 1)


def leaks(
    embeddings: Vectors,
    train_rows: Sequence[int] | Indices,
    test_rows: Sequence[int] | Indices,
    threshold: float,
) -> list[tuple[int, int, float]]:
    """The train images within `threshold` of a test image, in their order, each with the nearest one.

    To learn from them would be to learn from the test images. Each is (train row, test row, Euclidean
    distance); of equally near test images it is the first row. Memory holds 129 numbers an image. Errors are
    as of `duplicate_groups`.
    """
    threshold = _checked(threshold)
    train, tests = np.asarray(train_rows, np.intp), np.unique(np.asarray(test_rows, np.intp))
    if len(train) == 0 or len(tests) == 0:
        return []
    points = Points.of(embeddings)
    of_tests = points.projected[tests]

    def part(block: slice) -> list[tuple[int, int, float]]:
        rows = train[block]
        nearest, distances = _nearest(points, rows, tests, of_tests, threshold)
        near = distances <= threshold
        return list(zip(rows[near].tolist(), nearest[near].tolist(), distances[near].tolist(), strict=True))

    size = min(BLOCK, max(1, COMPARED // len(tests)))
    return [leak for found in on_all_threads(part, blocks(len(train), size)) for leak in found]


def _nearest(
    points: Points, rows: Indices, tests: Indices, of_tests: Matrix, threshold: float
) -> tuple[Indices, Matrix]:
    """For each of the `rows` the nearest of `tests` and its distance, right where that is within `threshold`.

    A projected distance is too short, if anything: the true distance to the test image that is nearest in the
    projection leaves few others to measure. Where it leaves many, all are compared as they are first.
    """
    within = np.full(len(rows), threshold)
    projected = points.projected[rows]
    distances = euclidean(projected, of_tests)
    queries, places = _candidates(points, rows, tests, distances, projected, within)
    if MANY * len(queries) > distances.size:
        distances = table(points, rows, tests)
        queries, places = _candidates(points, rows, tests, distances, projected, within)
    apart = pair_distances(points.embeddings, rows[queries], tests[places])
    order = np.lexsort((places, apart, queries))
    matched, firsts = np.unique(queries[order], return_index=True)
    nearest, least = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    nearest[matched], least[matched] = tests[places[order[firsts]]], apart[order[firsts]]
    return nearest, least


def _candidates(
    points: Points, rows: Indices, tests: Indices, distances: Matrix, projected: Matrix, within: Distances
) -> tuple[Indices, Indices]:
    """The pairs that may be no farther apart than `within`, (Q,), by their `distances`, (Q, T), which may be
    too short. `within` is lowered to the measured distance of the pair that looks nearest.
    """
    np.minimum(within, pair_distances(points.embeddings, rows, tests[distances.argmin(axis=1)]), out=within)
    queries, places = np.nonzero(distances <= _reach(points, projected, within))
    return queries, places


def _reach(points: Points, projected: Matrix, within: Distances) -> Distances:
    """What the distance of each projected row, (Q, 129), to one `within` may come out as: (Q, 1)."""
    reach = (within / points.scale)[:, None]
    widened: Distances = reach + 2 * ROUNDING * (np.linalg.norm(projected, axis=1, keepdims=True) + reach)
    return widened


def _least(queries: Indices, places: Indices) -> tuple[Indices, Indices]:
    """The queries that have a pair, and the least place of each."""
    order = np.lexsort((places, queries))
    matched, firsts = np.unique(queries[order], return_index=True)
    return matched, places[order[firsts]]


def _representatives(rows: Indices, nearby: "_Nearby") -> Indices:
    """For each of the rows the place in them of its representative, which may be its own."""
    nearby.add(rows)
    queries, places = nearby.within(rows)
    represent = np.arange(len(rows))
    for pair in np.lexsort((places, queries)):
        query, place = queries[pair], places[pair]
        if place < query and represent[query] == query and represent[place] == place:
            represent[query] = place
    return represent


class _Nearby:
    """Finds which of the `rows` added so far lie within `threshold`.

    They are looked for in a projection, where no distance is longer than it is, and then measured. Where the
    projection leaves many, they are compared as they are first.
    """

    def __init__(self, points: Points, threshold: float) -> None:
        self.rows = np.empty(0, np.intp)
        self._points, self._threshold = points, threshold

    def emptied(self) -> "_Nearby":
        """One with the same threshold and no rows."""
        return _Nearby(self._points, self._threshold)

    def add(self, rows: Indices) -> None:
        self.rows = np.append(self.rows, rows)

    def within(self, rows: Indices) -> tuple[Indices, Indices]:
        """The places in `rows` (of this argument and of these found ones) of the pairs that are near."""
        points = self._points
        projected = points.projected[rows]
        reach = _reach(points, projected, np.full(len(rows), self._threshold))

        def part(block: slice) -> tuple[Indices, Indices]:
            known = self.rows[block]
            near = euclidean(projected, points.projected[known]) <= reach
            if MANY * np.count_nonzero(near) > near.size:
                near = table(points, rows, known) <= reach
            queries, places = np.nonzero(near)
            apart = pair_distances(points.embeddings, rows[queries], known[places])
            return queries[apart <= self._threshold], block.start + places[apart <= self._threshold]

        found = on_all_threads(part, blocks(len(self.rows), COMPARED // max(1, len(rows))))
        none = np.empty(0, np.intp)
        queries, places = (np.concatenate(column) for column in zip((none, none), *found, strict=True))
        return queries, places


def _checked(threshold: float) -> float:
    if not threshold >= 0:
        raise ValueError(f"The distance of near-duplicates must be 0 or more, not {threshold}.")
    return min(threshold, float(np.finfo(np.float32).max))
