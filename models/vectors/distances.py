"""Euclidean distances between points, block by block."""

import numpy as np

from models.faiss_shim import faiss
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.points import Indices, Matrix, Points, Vectors

ROUNDING = 1e-6
"""The rounding error of a squared distance in float32, as a share of the squared lengths that it is made of.
"""


def euclidean(rows_MD: Matrix, columns_KD: Matrix) -> Matrix:
    """The distance of every row to every column, float32 (M, K), computed as √(|a|² + |b|² − 2ab).

    A squared distance within the rounding error of these terms becomes 0, so equal points have the distance
    0.
    """
    squared: Matrix = faiss.pairwise_distances(rows_MD, columns_KD)
    norms = [np.einsum("nd,nd->n", points, points) for points in (rows_MD, columns_KD)]
    squared[squared < ROUNDING * np.add.outer(*norms)] = 0
    return np.sqrt(squared, out=squared)


def distance_table(points: Points, rows: Indices, columns: Indices, others: Vectors | None = None) -> Matrix:
    """The distances of the images `rows` (K,) to the images `columns` (M,): (K, M), in the points' scale.

    The `columns` are rows of the embeddings `others`, which by default are the points' own.
    """
    from_rows = points[rows]
    embeddings = points.embeddings if others is None else others
    distances = np.empty((len(rows), len(columns)), np.float32)

    def fill(block: slice) -> None:
        distances[:, block] = euclidean(from_rows, points.scaled(embeddings[columns[block]]))

    on_all_threads(fill, blocks(len(columns), 1024))
    return distances


def nearest_centres(points: Points, centres: Indices) -> tuple[Indices, Matrix]:
    """For every image, the place of its nearest centre in `centres`, and the distance to it: (N,) each.

    Of equally near centres the first counts; a centre's nearest centre is itself. Without centres every place
    is −1 and every distance infinite.
    """
    if not len(centres):
        return np.full(len(points), -1), np.full(len(points), np.inf, np.float32)
    of_centres = points[centres]

    def part(block: slice) -> tuple[Indices, Matrix]:
        rows = points[block]
        places = np.zeros(len(rows), np.intp)
        least = np.full(len(rows), np.inf, np.float32)
        for columns in blocks(len(centres), 1024):
            distances = euclidean(rows, of_centres[columns])
            best = distances.argmin(axis=1)
            found = distances[np.arange(len(rows)), best]
            nearer = found < least
            places[nearer], least[nearer] = columns.start + best[nearer], found[nearer]
        return places, least

    places, distances = (
        np.concatenate(columns)
        for columns in zip(*on_all_threads(part, blocks(len(points), 1024)), strict=True)
    )
    # In reverse order, so that of a centre that is given twice the first place stays.
    places[centres[::-1]] = np.arange(len(centres))[::-1]
    distances[centres] = 0
    return places, distances
