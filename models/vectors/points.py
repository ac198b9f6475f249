"""Embeddings as the strategies use them: shifted, scaled, and with a projection that is cheap to compare."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from models.vectors.blocks import blocks, on_all_threads

Vectors = npt.NDArray[np.floating]
Matrix = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Distances = npt.NDArray[np.float64]

PROJECTED = 128
"""Dimensions of the projection. Embeddings with at most twice as many dimensions are not projected."""

KEPT = 2**25
"""Numbers of all points up to which they are kept as float32: 128 MiB, 16,384 images of 2,048 dimensions."""

ROWS_A_PRODUCT = 512

SAMPLE = 4096
"""Rows that the projection is fitted to, evenly spaced over the embeddings."""


@dataclass(frozen=True)
class Points:
    """Embeddings (N, D) of any float type, read block by block as float32 x / scale − mean.

    The shift does not change distances; it makes float32 sums of squares more exact. The scale keeps them
    from overflowing.
    """

    embeddings: Vectors
    mean: Matrix
    scale: float

    @classmethod
    def of(cls, embeddings: "Vectors | Points") -> "Points":
        """The points of `embeddings`, (N, D); points stay what they are, with the projection they have.

        Raises ValueError unless the embeddings are finite floats, N and D at least 1.
        """
        if isinstance(embeddings, Points):
            return embeddings
        if embeddings.ndim != 2 or not np.issubdtype(embeddings.dtype, np.floating):
            raise ValueError(
                f"Embeddings must be floating-point numbers of shape (images, dimension), "
                f"not {embeddings.dtype} of shape {embeddings.shape}."
            )
        if embeddings.size == 0:
            raise ValueError(f"There is nothing to select from: the embeddings' shape is {embeddings.shape}.")
        all_rows = blocks(len(embeddings))
        largest, sums = zip(*on_all_threads(lambda rows: _summary(embeddings[rows]), all_rows), strict=True)
        for rows, entry in zip(all_rows, largest, strict=True):
            if not np.isfinite(entry):
                raise ValueError(
                    f"Embeddings must be finite: rows {rows.start} to {rows.stop - 1} hold NaN or infinity."
                )
        scale = float(max(largest)) or 1.0
        mean = np.sum(sums, axis=0) / len(embeddings) / scale
        return cls(embeddings, mean.astype(np.float32), scale)

    def __len__(self) -> int:
        return len(self.embeddings)

    def __getitem__(self, rows: slice | Indices) -> Matrix:
        """The points of these rows, (M, D); those of a slice may be read-only."""
        return self.scaled(self.embeddings[rows]) if self._kept is None else self._kept[rows]

    @cached_property
    def _kept(self) -> Matrix | None:
        """All points, which are read about ten times for a selection; None where they are too many."""
        if self.embeddings.size > KEPT:
            return None
        kept = np.empty(self.embeddings.shape, np.float32)

        def fill(rows: slice) -> None:
            kept[rows] = self.scaled(self.embeddings[rows])

        on_all_threads(fill, blocks(len(self)))
        kept.flags.writeable = False
        return kept

    def scaled(self, embeddings: Vectors) -> Matrix:
        """Any embeddings, (M, D), shifted and scaled as these are."""
        points = as_float32(embeddings)
        points /= np.float32(self.scale)
        points -= self.mean
        return points

    @property
    def is_projected(self) -> bool:
        """Whether the projection has fewer dimensions than the embeddings."""
        return bool(self.embeddings.shape[1] > 2 * PROJECTED)

    @cached_property
    def projected(self) -> Matrix:
        """All points in few dimensions, (N, ≤ 257). k-means starts with them, and the search for medoids uses
        them.

        See `project`.
        """
        return self._projection(lambda rows: self[rows], len(self))

    def project(self, embeddings: Vectors) -> Matrix:
        """Any embeddings, (M, D), in the projection of these points: (M, ≤ 257).

        A projected point holds its coordinates along an orthonormal basis of the principal directions of
        these points (found in a sample), and the length of the part outside the basis. So no projected
        distance is longer than the true one.
        """
        return self._projection(lambda rows: self.scaled(embeddings[rows]), len(embeddings))

    def _projection(self, read: Callable[[slice], Matrix], count: int) -> Matrix:
        columns = PROJECTED + 1 if self.is_projected else self.embeddings.shape[1]
        projected = np.empty((count, columns), np.float32)
        basis = self._principal_directions if self.is_projected else None

        def fill(rows: slice) -> None:
            points = read(rows)
            if basis is None:
                projected[rows] = points
                return
            inside = points @ basis
            left_out = np.einsum("nd,nd->n", points, points) - np.einsum("nd,nd->n", inside, inside)
            projected[rows, :-1] = inside
            projected[rows, -1] = np.sqrt(np.maximum(left_out, 0))

        on_all_threads(fill, blocks(count))
        return projected

    @cached_property
    def _principal_directions(self) -> Matrix:
        """An orthonormal basis (D, 128), by subspace iteration (Halko et al., 2011, algorithm 4.4), of a
        sample of the points.
        """
        every = -(-len(self) // SAMPLE)
        sample = self[np.arange(0, len(self), every)]
        basis = np.random.default_rng(0).normal(size=(sample.shape[1], PROJECTED)).astype(np.float32)

        for _ in range(3):
            [(basis, _)] = on_all_threads(np.linalg.qr, [_product(sample.T, _product(sample, basis))])
        return basis


def _product(left: Matrix, right: Matrix) -> Matrix:
    """`left` @ `right` on all threads, some rows at a time."""
    parts = on_all_threads(lambda rows: left[rows] @ right, blocks(len(left), ROWS_A_PRODUCT))
    return np.concatenate(parts)


def as_float32(rows: Vectors) -> Matrix:
    """A float32 copy of the rows; a number that is too large for float32 becomes infinite."""
    if rows.dtype == np.float16:
        # NumPy takes several times as long.
        converted: Matrix = torch.from_numpy(np.array(rows)).float().numpy()
        return converted
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def _summary(rows: Vectors) -> tuple[float, Distances]:
    """The largest absolute entry, rounded to float32, and the sum of the rows."""
    points = as_float32(rows)
    return float(np.abs(points).max()), points.sum(axis=0, dtype=np.float64)
