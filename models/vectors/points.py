"""Embeddings as the strategies use them: shifted, scaled, and with a projection that is cheap to compare."""

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
    def of(cls, embeddings: Vectors) -> "Points":
        """Raises ValueError unless `embeddings` are finite floats of shape (N, D), N and D at least 1."""
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
        """The points of these rows, (M, D)."""
        points = as_float32(self.embeddings[rows])
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

        A projected point holds its coordinates along an orthonormal basis of the principal directions (found
        in a sample), and the length of the part outside the basis. So no projected distance is longer than
        the true one.
        """
        basis = self._principal_directions() if self.is_projected else None
        columns = PROJECTED + 1 if self.is_projected else self.embeddings.shape[1]
        projected = np.empty((len(self), columns), np.float32)

        def fill(rows: slice) -> None:
            points = self[rows]
            if basis is None:
                projected[rows] = points
                return
            inside = points @ basis
            left_out = np.einsum("nd,nd->n", points, points) - np.einsum("nd,nd->n", inside, inside)
            projected[rows, :-1] = inside
            projected[rows, -1] = np.sqrt(np.maximum(left_out, 0))

        on_all_threads(fill, blocks(len(self)))
        return projected

    def _principal_directions(self) -> Matrix:
        """An orthonormal basis (D, 128), by subspace iteration (Halko et al., 2011, algorithm 4.4)."""
        every = -(-len(self) // SAMPLE)
        sample = self[np.arange(0, len(self), every)]
        basis = np.random.default_rng(0).normal(size=(sample.shape[1], PROJECTED)).astype(np.float32)

        def iterate(basis: Matrix) -> Matrix:
            for _ in range(3):
                basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
            return basis

        return on_all_threads(iterate, [basis])[0]


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
