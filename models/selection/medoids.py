"""Medoids: the member of a cluster with the least sum of Euclidean distances to the other members."""

from collections.abc import Sequence

import numpy as np

from models.faiss_shim import faiss
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import ROUNDING, euclidean
from models.vectors.points import Distances, Indices, Matrix, Points, Vectors

LARGE = 32_768
"""Up to this many members the medoid is exact. Among more, it is the best of `FINALISTS`."""

FINALISTS = 1024
REFERENCES = 4096

SHARED = 8192
"""From this many members on, all threads work on one cluster; smaller clusters get one thread each."""

SLACK = 1e-5
"""A sum within this share of the least one may itself be the least: float32 cannot tell."""

TIE = 1e-9
"""Two float64 sums within this share of each other count as equal, and the first member wins."""


def medoids(points: Points, clusters: Sequence[Indices], weights: Distances) -> Indices:
    """The medoid of each of the `clusters`, as a row. Members have the `weights` (N,); if all weights of a
    cluster are 0, its members count alike.

    Exact for clusters of up to `LARGE` members: sums are of float32 distances, and near ties are decided by
    float64 distances.
    """

    def find(place: int) -> int:
        members = clusters[place]
        counted = weights[members] if weights[members].any() else np.ones(len(members))
        return (_exact if len(members) <= LARGE else _among_finalists)(points, members, counted)

    small: list[int] = []
    shared: list[int] = []
    for place, members in enumerate(clusters):
        (small if len(members) < SHARED else shared).append(place)
    found = dict(zip(small, on_all_threads(find, small), strict=True))
    found |= {place: find(place) for place in shared}
    return np.array([found[place] for place in range(len(clusters))], np.intp)


def _exact(points: Points, members: Indices, weights: Distances) -> int:
    """Compute the members' sums in the order of their lower bounds, until no bound is below the least sum."""
    shares = (weights / weights.sum()).astype(np.float32)
    rows = points[members]
    rows -= shares @ rows
    inside = rows
    if points.is_projected:
        inside = points.projected[members, :-1]
        inside -= shares @ inside
    bounds = _lower_bounds(rows, inside, shares) * (1 - SLACK)
    order = np.argsort(bounds, kind="stable")
    sums = np.full(len(members), np.inf)
    for batch in blocks(len(order), 32 + len(order) // 64):
        places = order[batch]
        places = places[bounds[places] <= sums.min() * (1 + SLACK)]
        if not len(places):
            break
        sums[places] = _sums(rows[places], rows, shares)
    return _least(points, members, sums, weights)


def _lower_bounds(rows: Matrix, inside: Matrix, shares: Matrix) -> Distances:
    """Lower bounds of each row's mean distance to all rows, from the parts `inside` the projection.

    The rows have the weights `shares` and the weighted mean 0. A squared distance is b − 2c. Here b is the
    squared distance inside plus r² and s², the squared lengths of the two outside parts; c is the scalar
    product of the outside parts, so |c| ≤ rs. √(b − 2c) + kc is concave in c, so it is at least the smaller
    of its values at c = ± rs. For any k the mean of kc over all rows is 0, because the mean of the outside
    parts is 0. To allow for rounding, its error is subtracted from b and added to r and s.
    """
    lengths = np.einsum("nd,nd->n", rows, rows)
    rounding = ROUNDING * lengths
    outside_squared = np.maximum(lengths - np.einsum("nd,nd->n", inside, inside), 0)
    outside = np.sqrt(outside_squared + rounding)
    outside_squared -= rounding
    mean_squared = lengths + shares @ lengths
    k = 1 / np.sqrt(np.maximum(mean_squared, np.finfo(np.float32).tiny)).astype(np.float32)

    def part(block: slice) -> Distances:
        total = np.zeros(block.stop - block.start)
        for others in blocks(len(rows), 1024):
            b = faiss.pairwise_distances(inside[block], inside[others])
            b += np.add.outer(outside_squared[block], outside_squared[others])
            product = np.multiply.outer(outside[block], outside[others])
            farthest = np.sqrt(np.maximum(b + 2 * product, 0))
            nearest = np.sqrt(np.maximum(b - 2 * product, 0))
            product *= k[block, None]
            total += np.minimum(farthest - product, nearest + product) @ shares[others]
        return total

    return np.concatenate(on_all_threads(part, blocks(len(rows), 1024)))


def _among_finalists(points: Points, members: Indices, weights: Distances) -> int:
    """The best of `FINALISTS`, the members with the least estimated sums of distances.

    An estimate is measured to `REFERENCES` members that have a weight, in the projection, as if the parts
    outside were at right angles. This is one round of sequential halving with shared references (Baharav and
    Tse, 2019), and takes linear time.
    """
    counted = np.flatnonzero(weights)
    references = counted[:: -(-len(counted) // REFERENCES)]
    rows, columns = points.projected[members], points.projected[members[references]]
    if points.is_projected:
        rows = np.column_stack([rows, np.zeros_like(rows[:, -1])])
        columns = np.column_stack([columns[:, :-1], np.zeros_like(columns[:, -1]), columns[:, -1]])
    estimates = _sums(rows, columns, weights[references])
    finalists = np.argsort(estimates, kind="stable")[:FINALISTS]
    from_finalists = points[members[finalists]]
    parts = on_all_threads(
        lambda block: euclidean(from_finalists, points[members[block]]) @ weights[block],
        blocks(len(members)),
    )
    sums = np.full(len(members), np.inf)
    sums[finalists] = np.sum(parts, axis=0)
    return _least(points, members, sums, weights)


def _sums(rows: Matrix, columns: Matrix, weights: Vectors) -> Distances:
    """The weighted sum of each row's distances to all `columns`: (rows,)."""
    parts = on_all_threads(
        lambda block: euclidean(rows, columns[block]) @ weights[block], blocks(len(columns))
    )
    sums: Distances = np.sum(parts, axis=0)
    return sums


def _least(points: Points, members: Indices, sums: Distances, weights: Distances) -> int:
    """The member with the least of the `sums` (M,); near ties are decided by float64 sums."""
    places = np.flatnonzero(sums <= sums.min() * (1 + SLACK))
    embeddings = points.embeddings[members[places]]
    # Of equal embeddings the first stands for all.
    firsts = {row.tobytes(): place for place, row in zip(places[::-1], embeddings[::-1], strict=True)}
    places = np.sort(list(firsts.values()))
    if len(places) == 1 or sums.min() == 0:
        return int(members[places[0]])
    origin = embeddings.astype(np.float64).mean(axis=0)
    finalists = points.embeddings[members[places]] - origin
    parts = on_all_threads(
        lambda block: (
            _euclidean_float64(finalists, points.embeddings[members[block]] - origin) @ weights[block]
        ),
        blocks(len(members), 1024),
    )
    exact = np.sum(parts, axis=0)
    return int(members[places[np.argmax(exact <= exact.min() * (1 + TIE))]])


def _euclidean_float64(rows_MD: Distances, columns_KD: Distances) -> Distances:
    norms = np.add.outer((rows_MD**2).sum(axis=1), (columns_KD**2).sum(axis=1))
    squared: Distances = norms - 2 * (rows_MD @ columns_KD.T)
    squared[squared < 1e-14 * norms] = 0
    return np.sqrt(squared, out=squared)
