"""Images that are nearly the same: groups of them within a pool, and those that cross its split."""

from collections.abc import Sequence
from copy import copy

import numpy as np
import torch

from models.selection.blocks import blocks
from models.selection.points import Indices, Matrix, Points, Vectors
from models.similarity.index import Pairs, PoolIndex

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

ROUNDING = 3e-3
"""How much longer than it is a projected distance may come out, as a share of the longest vector."""


def typical_distance(embeddings: Vectors, seed: int = 0) -> float:
    """The median Euclidean distance of two different random images of `embeddings`, (N, D), of drawn pairs.

    It is the scale on which an encoder's distances are near or far; 0 of fewer than two images.
    """
    count = len(embeddings)
    if count < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    first = rng.integers(count, size=PAIRS)
    second = (first + rng.integers(1, count, size=PAIRS)) % count
    return float(np.median(_apart(embeddings, first, second)))


def duplicate_groups(
    embeddings: Vectors, threshold: float, rows: Sequence[int] | Indices | None = None
) -> list[list[int]]:
    """Groups of two or more images of which the first represents the others: each is within `threshold`.

    `rows` (by default all, in their order) are looked at one after the other: a row joins the first
    representative within the threshold, Euclidean distance, or becomes a representative itself. So put rows
    first that have to represent, such as labelled ones. Unlike connected groups these do not chain: of a
    drive whose every frame resembles the next one, the last frame does not count as a duplicate of the first.

    Memory holds 129 numbers an image. Above `PoolIndex`'s exact size a few groups may be missed.
    Raises ValueError for a negative threshold and for embeddings that are not finite.
    """
    if len(embeddings) == 0:
        return []
    order = np.arange(len(embeddings)) if rows is None else np.asarray(rows, np.intp)
    known = _Nearby(embeddings, threshold)
    groups: dict[int, list[int]] = {}
    for block in blocks(len(order), BLOCK):
        chunk = order[block]
        queries, places, _ = known.within(chunk)
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
    distance). Memory and errors are as of `duplicate_groups`.
    """
    train, found = np.asarray(train_rows, np.intp), []
    if len(train) == 0 or len(test_rows) == 0:
        return []
    tests = _Nearby(embeddings, threshold)
    tests.add(test_rows)
    for block in blocks(len(train), BLOCK):
        queries, places, distances = tests.within(train[block])
        nearest_first = np.lexsort((tests.rows[places], distances, queries))
        leaking, pairs = np.unique(queries[nearest_first], return_index=True)
        for query, pair in zip(leaking, nearest_first[pairs], strict=True):
            row, test_row = train[block][query], tests.rows[places[pair]]
            found.append((int(row), int(test_row), float(distances[pair])))
    return found


def _least(queries: Indices, places: Indices) -> tuple[Indices, Indices]:
    """The queries that have a pair, and the least place of each."""
    order = np.lexsort((places, queries))
    matched, firsts = np.unique(queries[order], return_index=True)
    return matched, places[order[firsts]]


def _representatives(rows: Indices, nearby: "_Nearby") -> Indices:
    """For each of the rows the place in them of its representative, which may be its own."""
    nearby.add(rows)
    queries, places, _ = nearby.within(rows)
    represent = np.arange(len(rows))
    for pair in np.lexsort((places, queries)):
        query, place = queries[pair], places[pair]
        if place < query and represent[query] == query and represent[place] == place:
            represent[query] = place
    return represent


class _Nearby:
    """Finds which of the `rows` added so far lie within `threshold`.

    They are looked for in a projection, where no distance is longer than it is, and then measured.
    """

    def __init__(self, embeddings: Vectors, threshold: float) -> None:
        if not threshold >= 0:
            raise ValueError(f"The distance of near-duplicates must be 0 or more, not {threshold}.")
        points = Points.of(embeddings)
        self._embeddings, self._threshold = embeddings, threshold
        self._projected = points.projected
        longest = max(np.linalg.norm(self._projected[p], axis=1).max() for p in blocks(len(embeddings)))
        self._reach = threshold / points.scale + ROUNDING * float(longest)
        self._clear()

    def _clear(self) -> None:
        self.rows = np.empty(0, np.intp)
        self._index = PoolIndex(self._projected.shape[1])

    def emptied(self) -> "_Nearby":
        """One with the same threshold and no rows."""
        other = copy(self)
        other._clear()
        return other

    def add(self, rows: Sequence[int] | Indices) -> None:
        added = np.asarray(rows, np.intp)
        self.rows = np.append(self.rows, added)
        for block in blocks(len(added)):
            self._index.add(self._projected[added[block]])

    def within(self, rows: Indices) -> Pairs:
        """The places in `rows` (of this argument and of these found ones) of each pair within the threshold,
        and their distances.
        """
        queries, places, _ = self._index.within(self._projected[rows], self._reach)
        distances = _apart(self._embeddings, rows[queries], self.rows[places])
        near = distances <= self._threshold
        return queries[near], places[near], distances[near]


def _apart(embeddings: Vectors, first: Indices, second: Indices) -> Matrix:
    """The distances of pairs of rows: differences first, so that those of near ones are exact."""
    distances = np.empty(len(first), np.float32)
    for pairs in blocks(len(first), MEASURED):
        # PyTorch widens float16 ten times as fast as NumPy.
        a, b = (torch.from_numpy(np.asarray(embeddings[rows[pairs]])) for rows in (first, second))
        wide = torch.promote_types(a.dtype, torch.float32)
        distances[pairs] = torch.linalg.vector_norm(a.to(wide) - b.to(wide), dim=1).numpy()
    return distances
