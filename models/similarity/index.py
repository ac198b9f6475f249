"""The index of a pool's embeddings: the nearest images to a vector, from one image to millions."""

from pathlib import Path
from typing import Any, Self

import numpy as np

from models.faiss_shim import faiss
from models.files import atomic_write
from models.stopping import stop_if_asked
from models.vectors.blocks import blocks
from models.vectors.points import Indices, Matrix, Vectors

EXACT_ROWS = 100_000
"""Up to this many rows a search compares every vector, which takes 0.1 s at 2,048 dimensions on two cores. In
a larger index it compares the vectors of the nearest lists only.
"""

LISTS = 1024
PROBES = 64
"""The number of k-means lists of a large index, and how many of them a search looks through."""

TRAINING_ROWS = 40 * LISTS
"""The number of rows that the lists are made from: FAISS asks for at least 39 per list."""

TAIL_SHARE = 0.05
"""The largest tail of a mapped index, as a share of the rows that are mapped."""

LARGEST = float(np.finfo(np.float16).max)
BLOCK_NUMBERS = 2**24
"""Numbers that are in memory together when distances are measured again: 64 MiB of float32."""


class PoolIndex:
    """A FAISS index of vectors (D,) whose rows are numbered from 0 in the order of `add`.

    Up to `EXACT_ROWS` rows a search is exact. A larger index keeps its rows, rounded to float16, in lists
    around k-means centroids (IVF), and a search may miss a row whose list is far from the query. All
    distances are Euclidean. They are computed from differences of vectors, so equal vectors have the distance
    0, and near vectors can be told apart.

    An index that is mapped from a file stays mapped while few rows are added: these go to a flat tail in
    memory.
    """

    def __init__(self, dimension: int) -> None:
        self._index: Any = faiss.IndexFlatL2(dimension)
        self._tail: Any = faiss.IndexFlatL2(dimension)
        self._mapped_from: Path | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the index from a file that `save` wrote. The file is mapped, so processes share its memory.

        Raises FileNotFoundError if there is no file, ValueError if it holds no complete index.
        """
        if not path.exists():
            raise FileNotFoundError(f"There is no index at {path}.")
        try:
            mapped = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise ValueError(f"{path} is not a whole index: delete it and build it again.") from error
        index = cls(mapped.d)
        index._index, index._mapped_from = mapped, path
        return index

    def save(self, path: Path) -> None:
        """Replace the file at `path`. Readers see the old index or the new one; a mapped index stays usable.

        Raises RuntimeError if rows were added to a mapped index whose file has been replaced since.
        """
        if self._tail.ntotal:
            self._read_into_memory()
        with atomic_write(path) as temporary:
            faiss.write_index(self._index, str(temporary))

    def __len__(self) -> int:
        return int(self._index.ntotal + self._tail.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def is_mapped(self) -> bool:
        """Whether only the tail takes memory; false once more rows were added than the tail may hold."""
        return self._mapped_from is not None

    def add(self, vectors: Vectors) -> None:
        """Append vectors (M, D) of any float type. ValueError for a wrong shape, NaN or numbers above 65,504.

        RuntimeError if the tail is full and the mapped file has been replaced since.
        """
        self._check(vectors)
        if self.is_mapped and self._tail.ntotal + len(vectors) > TAIL_SHARE * self._index.ntotal:
            self._read_into_memory()
        for rows in blocks(len(vectors)):
            stop_if_asked()
            self._append(_float32(vectors[rows]))

    def _append(self, vectors: Matrix) -> None:
        if self.is_mapped:
            self._tail.add(vectors)
            return
        self._index.add(vectors)
        if len(self) > EXACT_ROWS and isinstance(self._index, faiss.IndexFlat):
            self._index = _in_lists(self._index)

    def search(self, queries: Vectors, k: int) -> tuple[Indices, Matrix]:
        """The `k` nearest rows to each of the queries (Q, D): rows intp (Q, k), and distances float32 (Q, k),
        sorted.

        Equally near rows come in the order of their numbers. If the index has fewer than `k` rows, there are
        fewer columns. If a large index finds fewer rows in the lists that it searches, the other places hold
        the row −1 and an infinite distance.
        """
        self._check(queries)
        k = min(k, len(self))
        rows = np.empty((len(queries), k), np.intp)
        distances = np.empty((len(queries), k), np.float32)
        for block in blocks(len(queries), max(1, BLOCK_NUMBERS // max(1, k * self.dimension))) if k else ():
            stop_if_asked()
            chunk = _float32(queries[block])
            found = self._nearest(chunk, k)
            repeated = np.repeat(chunk, found.shape[1], axis=0)
            exact = self._distances(repeated, found.ravel()).reshape(found.shape)
            order = np.lexsort((found, exact), axis=1)[:, :k]
            rows[block] = np.take_along_axis(found, order, axis=1)
            distances[block] = np.take_along_axis(exact, order, axis=1)
        return rows, distances

    def _nearest(self, queries: Matrix, k: int) -> Indices:
        """The `k` nearest rows of the index and the `k` nearest of its tail, in no order; −1 for none."""
        found: Indices = self._index.search(queries, min(k, self._index.ntotal))[1]
        if not self._tail.ntotal:
            return found
        in_tail = self._tail.search(queries, min(k, self._tail.ntotal))[1]
        return np.hstack([found, self._index.ntotal + in_tail])

    def _distances(self, queries: Matrix, rows: Indices) -> Matrix:
        """The distance of each query (M, D) to its row (M,); infinite if the row is −1."""
        found = rows >= 0
        distances = np.full(len(rows), np.inf, np.float32)
        if found.any():
            differences = self._vectors(rows[found]) - queries[found]
            distances[found] = np.sqrt(np.einsum("md,md->m", differences, differences))
        return distances

    def _vectors(self, rows: Indices) -> Matrix:
        vectors = np.empty((len(rows), self.dimension), np.float32)
        in_tail = rows >= self._index.ntotal
        vectors[~in_tail] = self._index.reconstruct_batch(rows[~in_tail])
        vectors[in_tail] = self._tail.reconstruct_batch(rows[in_tail] - self._index.ntotal)
        return vectors

    def _read_into_memory(self) -> None:
        """Merge mapped index and tail in memory. A mapped index cannot grow: FAISS would abort."""
        path, mapped, tail = self._mapped_from, self._index, self._tail
        index = faiss.read_index(str(path))
        if index.ntotal != mapped.ntotal:
            raise RuntimeError(f"{path} was replaced since it was loaded: load it again.")
        self._index, self._tail, self._mapped_from = index, faiss.IndexFlatL2(mapped.d), None
        for rows in blocks(tail.ntotal):
            self._append(tail.reconstruct_n(rows.start, rows.stop - rows.start))

    def _check(self, vectors: Vectors) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ValueError(
                f"This index holds vectors of {self.dimension} numbers: "
                f"give it shape (count, {self.dimension}), not {vectors.shape}."
            )
        for rows in blocks(len(vectors)):
            if not (np.abs(vectors[rows]) <= LARGEST).all():
                raise ValueError(f"Vectors must be finite and within ±{LARGEST:,.0f}.")


def _float32(vectors: Vectors) -> Matrix:
    return np.ascontiguousarray(vectors, np.float32)


def _in_lists(flat: Any) -> Any:
    """A new index that holds the vectors of a flat index in lists around k-means centroids, as float16."""
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatL2(flat.d), flat.d, LISTS, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_L2, False
    )
    sample = np.sort(np.random.default_rng(0).permutation(flat.ntotal)[:TRAINING_ROWS])
    index.train(flat.reconstruct_batch(sample))
    index.make_direct_map()  # needed to read the vector of a row
    for rows in blocks(flat.ntotal):
        stop_if_asked()
        index.add(flat.reconstruct_n(rows.start, rows.stop - rows.start))
    index.nprobe = PROBES
    return index
