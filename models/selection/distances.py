"""Euclidean distances in float64, a block of rows at a time so that no second copy of the embeddings is
made.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating]
Indices = npt.NDArray[np.intp]
Distances = npt.NDArray[np.float64]

BLOCK_ROWS = 1024


def blocks(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows, at most `BLOCK_ROWS` each."""
    for start in range(0, count, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, count))


def euclidean(rows_MD: Vectors, columns_KD: Vectors) -> Distances:
    """The distance of every row to every column, (M, K), by |a|² + |b|² − 2ab.

    A squared distance within the rounding of these terms becomes 0, so that equal vectors are at distance
    0.
    """
    a, b = rows_MD.astype(np.float64), columns_KD.astype(np.float64)
    norms = np.add.outer(np.einsum("md,md->m", a, a), np.einsum("kd,kd->k", b, b))
    squared: Distances = norms - 2 * (a @ b.T)
    squared[squared < 1e-14 * a.shape[1] ** 0.5 * norms] = 0
    return np.sqrt(squared)


def distances_to(embeddings: Vectors, indices: Indices) -> Distances:
    """The distance of every image to the images `indices`, (N, len(indices))."""
    chosen = embeddings[indices]
    return np.concatenate([euclidean(embeddings[rows], chosen) for rows in blocks(len(embeddings))])
