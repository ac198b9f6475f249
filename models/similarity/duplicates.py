"""Near-duplicates: groups of them in a pool, and train images that nearly equal a test image."""

from collections.abc import Sequence

import numpy as np
import torch

from models.stopping import stop_if_asked
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import distance_table, euclidean
from models.vectors.points import Distances, Indices, Matrix, Points, Vectors

DUPLICATE_SHARE = 0.35
"""The default threshold of near-duplicates, as a share of the `typical_distance`.

Chosen by eye, with EfficientNet-Lite0. On CamVid, pairs below 0.35 show the same scene with a car or two
moved; at 0.45 a pair may show two places of the same street. On Maps, pairs below 0.35 show overlapping or
empty (water) tiles; from 0.40 on, blocks of houses in different parts of town. A photo is 0.3 away from its
JPEG at quality 50, from its mirror image, and from itself cropped by 5 %; it is 0.1 away from its JPEG at
quality 90.
"""

DRAWN_PAIRS = 4096
"""Pairs drawn for the typical distance: this keeps its standard error below one percent."""

ROWS_AT_ONCE = 1024
"""Images that are searched for at a time."""

PAIRS_AT_ONCE = 128
"""Pairs that are measured at a time: they fit into a core's cache."""

MATRIX_FROM_ONE_IN = 64
"""If at least 1 in 64 pairs survives, one matrix product is faster than measuring pairs one by one."""

DISTANCES_AT_ONCE = 2**22
"""Distances that a thread compares at a time: 16 MiB."""

ROUNDING = 3e-3
"""The largest rounding error of a projected distance, as a share of the lengths of its vectors."""


def typical_distance(embeddings: Vectors, rows: Sequence[int] | Indices | None = None) -> float:
    """The median Euclidean distance between two different images, over random pairs of `embeddings`, (N, D).

    The pairs are drawn among the `rows`, by default all. This distance is the scale on which an encoder's
    distances are near or far. It is 0 if there are fewer than two images.
    """
    among = np.arange(len(embeddings)) if rows is None else np.asarray(rows, np.intp)
    count = len(among)
    if count < 2:
        return 0.0
    rng = np.random.default_rng(0)
    first = rng.integers(count, size=DRAWN_PAIRS)
    second = (first + rng.integers(1, count, size=DRAWN_PAIRS)) % count
    return float(np.median(pair_distances(embeddings, among[first], among[second])))


def pair_distances(
    embeddings: Vectors, first: Indices, second: Indices, others: Vectors | None = None
) -> Matrix:
    """The Euclidean distance of each row in `first`, (P,), to the row in `second` at the same place: float32
    (P,). The rows `second` are rows of `others`, which by default are the same embeddings.

    Differences are taken first, so distances of near images are exact. A few pairs are read at a time.
    """
    distances = np.empty(len(first), np.float32)
    for pairs in blocks(len(first), PAIRS_AT_ONCE):
        stop_if_asked()
        # PyTorch converts float16 to float32 ten times as fast as NumPy.
        a = torch.from_numpy(np.asarray(embeddings[first[pairs]]))
        b = torch.from_numpy(np.asarray((embeddings if others is None else others)[second[pairs]]))
        wide = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
        distances[pairs] = torch.linalg.vector_norm(a.to(wide) - b.to(wide), dim=1).numpy()
    return distances


def duplicate_groups(
    embeddings: Vectors | Points, threshold: float, rows: Sequence[int] | Indices | None = None
) -> list[list[int]]:
    """Groups of two or more images. The first image of a group represents the others, which are all within
    `threshold` of it.

    The `rows` (by default all, in their order) are processed one after the other: a row joins the first
    representative within the threshold, by Euclidean distance, or becomes a representative itself. So rows
    that have to represent a group, such as labelled ones, must come first. Unlike connected components these
    groups do not chain: in a drive whose every frame resembles the next one, the last frame does not count as
    a duplicate of the first.

    Memory holds 129 numbers per image. Raises ValueError for a negative threshold and for embeddings that are
    not finite.
    """
    if len(embeddings) == 0:
        return []
    order = np.arange(len(embeddings)) if rows is None else np.asarray(rows, np.intp)
    points, threshold = Points.of(embeddings), _checked(threshold)
    known = _Nearby(points, threshold)
    groups: dict[int, list[int]] = {}
    for block in blocks(len(order), ROWS_AT_ONCE):
        stop_if_asked()
        chunk = order[block]
        queries, places = known.within(chunk)
        matched, firsts = _least(queries, places)
        for query, place in zip(matched, firsts, strict=True):
            groups[int(known.rows[place])].append(int(chunk[query]))
        new = np.delete(chunk, matched)
        represent = _representatives(new, _Nearby(points, threshold))
        for row, first in zip(new, new[represent], strict=True):
            groups.setdefault(int(first), []).append(int(row))
        known.add(new[np.unique(represent)])
    return sorted(group for group in groups.values() if len(group) > 1)


def leaks(
    embeddings: Vectors | Points, rows: Sequence[int] | Indices, tests: Vectors, threshold: float
) -> list[tuple[int, int, float]]:
    """The images among the train images `rows` within `threshold` of a test image, in their order, each with
    the nearest test image.

    Training on such images would be training on test images. `embeddings` (N, D) are those of train images,
    `tests` (T, D) those of test images. Each entry is (row, test row, Euclidean distance); of equally near
    test images the first row counts. Memory holds 129 numbers per image. Raises as `duplicate_groups` does.
    """
    threshold = _checked(threshold)
    train = np.asarray(rows, np.intp)
    if len(train) == 0 or len(tests) == 0:
        return []
    points = Points.of(embeddings)
    Points.of(tests)  # raises if they are unusable
    projected_tests = points.project(tests)

    def part(block: slice) -> list[tuple[int, int, float]]:
        rows = train[block]
        nearest, distances = _nearest(points, rows, tests, projected_tests, threshold)
        near = distances <= threshold
        return list(zip(rows[near].tolist(), nearest[near].tolist(), distances[near].tolist(), strict=True))

    size = min(ROWS_AT_ONCE, max(1, DISTANCES_AT_ONCE // len(tests)))
    return [leak for found in on_all_threads(part, blocks(len(train), size)) for leak in found]


def _nearest(
    points: Points, rows: Indices, tests: Vectors, projected_tests: Matrix, threshold: float
) -> tuple[Indices, Matrix]:
    """For each of the `rows`, the nearest of the `tests` and its distance; correct if that is within
    `threshold`.

    A projected distance is never longer than the true one. So once the true distance to the test image that
    is nearest in the projection is known, few other pairs remain to be measured. If many remain, all true
    distances are computed at once by a matrix product, and narrowed down in the same way.
    """
    within = np.full(len(rows), threshold)
    projected = points.projected[rows]
    distances = euclidean(projected, projected_tests)
    queries, places = _candidates(points, rows, tests, distances, projected, within)
    if MATRIX_FROM_ONE_IN * len(queries) > distances.size:
        distances = distance_table(points, rows, np.arange(len(tests)), tests)
        queries, places = _candidates(points, rows, tests, distances, projected, within)
    apart = pair_distances(points.embeddings, rows[queries], places, tests)
    order = np.lexsort((places, apart, queries))
    matched, firsts = np.unique(queries[order], return_index=True)
    nearest, least = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    nearest[matched], least[matched] = places[order[firsts]], apart[order[firsts]]
    return nearest, least


def _candidates(
    points: Points, rows: Indices, tests: Vectors, distances: Matrix, projected: Matrix, within: Distances
) -> tuple[Indices, Indices]:
    """The pairs that may be within `within`, (Q,), judged by `distances`, (Q, T), which may be too short.
    `within` is lowered in place to the measured distance of the pair that looks nearest.
    """
    np.minimum(within, pair_distances(points.embeddings, rows, distances.argmin(axis=1), tests), out=within)
    queries, places = np.nonzero(distances <= _reach(points, projected, within))
    return queries, places


def _reach(points: Points, projected: Matrix, within: Distances) -> Distances:
    """The largest value that the projected distance from each row, (Q, 129), to a row `within` may have: (Q,
    1).
    """
    reach = (within / points.scale)[:, None]
    widened: Distances = reach + 2 * ROUNDING * (np.linalg.norm(projected, axis=1, keepdims=True) + reach)
    return widened


def _least(queries: Indices, places: Indices) -> tuple[Indices, Indices]:
    """The queries that have a pair, and the smallest place of each."""
    order = np.lexsort((places, queries))
    matched, firsts = np.unique(queries[order], return_index=True)
    return matched, places[order[firsts]]


def _representatives(rows: Indices, nearby: "_Nearby") -> Indices:
    """For each row, the place of its representative in `rows`, which may be the row itself."""
    nearby.add(rows)
    queries, places = nearby.within(rows)
    represent = np.arange(len(rows))
    for pair in np.lexsort((places, queries)):
        query, place = queries[pair], places[pair]
        if place < query and represent[query] == query and represent[place] == place:
            represent[query] = place
    return represent


class _Nearby:
    """Finds which of the `rows` added so far are within `threshold` of given rows.

    Candidates are found in the projection, where no distance is longer than the true one, and then measured.
    If there are many candidates, their true distances are first computed by a matrix product.
    """

    def __init__(self, points: Points, threshold: float) -> None:
        self.rows = np.empty(0, np.intp)
        self._points, self._threshold = points, threshold

    def add(self, rows: Indices) -> None:
        self.rows = np.append(self.rows, rows)

    def within(self, rows: Indices) -> tuple[Indices, Indices]:
        """The pairs that are near: their places in the argument `rows`, and their places in `self.rows`."""
        points = self._points
        projected = points.projected[rows]
        reach = _reach(points, projected, np.full(len(rows), self._threshold))

        def part(block: slice) -> tuple[Indices, Indices]:
            known = self.rows[block]
            near = euclidean(projected, points.projected[known]) <= reach
            if MATRIX_FROM_ONE_IN * np.count_nonzero(near) > near.size:
                near = distance_table(points, rows, known) <= reach
            queries, places = np.nonzero(near)
            apart = pair_distances(points.embeddings, rows[queries], known[places])
            return queries[apart <= self._threshold], block.start + places[apart <= self._threshold]

        found = on_all_threads(part, blocks(len(self.rows), DISTANCES_AT_ONCE // max(1, len(rows))))
        none = np.empty(0, np.intp)
        queries, places = (np.concatenate(column) for column in zip((none, none), *found, strict=True))
        return queries, places


def _checked(threshold: float) -> float:
    if not threshold >= 0:
        raise ValueError(f"The distance of near-duplicates must be 0 or more, not {threshold}.")
    return min(threshold, float(np.finfo(np.float32).max))
