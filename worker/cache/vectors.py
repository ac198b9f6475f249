"""The embeddings of whole pools as memory-mapped matrices, kept in a cache folder and extended by new shards.

A pool's folder holds `ids` (16 bytes for each image), `embeddings` (a float16 row for each image) and
`record.json`, which says how many rows of both are valid. Under a lock, rows are appended first and the
record is replaced afterwards, so the next process overwrites what a killed one appended without a record. A
reader maps the rows that its record counts; they never change.
"""

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from models.files import sync, write_text
from models.similarity import PoolIndex
from models.stopping import stop_if_asked
from models.vectors.blocks import blocks
from store import embeddings
from store.blobs import Blobs
from store.database import Database
from worker.arrays import array

ID_BYTES = 16
ID = np.dtype(f"V{ID_BYTES}")
DTYPE = np.dtype(np.float16)
ROWS_A_COPY = 4096
Matrix = npt.NDArray[np.float16]
Scalar = TypeVar("Scalar", bound=np.generic)


class ImageIds(Sequence[uuid.UUID]):
    """The ids in `array`, (N,) of `ID`. A UUID object is made only when an id is read."""

    def __init__(self, array: npt.NDArray[np.void]) -> None:
        self.array = array

    @classmethod
    def of(cls, image_ids: Iterable[uuid.UUID]) -> "ImageIds":
        return cls(np.array([image_id.bytes for image_id in image_ids], ID))

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, row: int) -> uuid.UUID: ...
    @overload
    def __getitem__(self, row: slice) -> "ImageIds": ...
    def __getitem__(self, row: int | slice) -> "uuid.UUID | ImageIds":
        if isinstance(row, slice):
            return ImageIds(self.array[row])
        return uuid.UUID(bytes=self.array[row].tobytes())


@dataclass(frozen=True)
class PoolVectors:
    """The embeddings of a pool's images, of both splits: row n of `matrix` belongs to `image_ids[n]`.

    `matrix` is float16 (N, D), memory-mapped and read-only. Later images only add rows, and change `digest`.
    Rows are in the order in which this folder received them, which may differ between folders: whatever must
    be the same everywhere has to be ordered by image ids.
    """

    image_ids: ImageIds
    matrix: Matrix
    digest: str

    def rows(self, image_ids: Iterable[uuid.UUID]) -> npt.NDArray[np.intp]:
        """The rows of these images. Raises KeyError for an image that was not embedded when this was read."""
        return np.fromiter((self._row_of[image_id.bytes] for image_id in image_ids), np.intp)

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        return {image_id: row for row, image_id in enumerate(self.image_ids.array.tolist())}


@dataclass(frozen=True)
class Record:
    """What is valid in a pool's folder: `rows` of `dimension` numbers, which came from `shards`."""

    dimension: int = 0
    rows: int = 0
    shards: tuple[str, ...] = ()


class VectorCache:
    """The matrices of pools in `folder`, which several processes may share."""

    def __init__(self, folder: Path, database: Database, blobs: Blobs) -> None:
        self._folder = folder
        self._database = database
        self._blobs = blobs

    def pool_vectors(self, pool_id: uuid.UUID) -> PoolVectors:
        """The embeddings of all images of the pool that are embedded now. Raises BlobMissing, BlobDamaged."""
        folder = self._folder / str(pool_id)
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # what was used last is removed last
        with FileLock(folder / "vectors.lock"):
            record = read_record(folder)
            with self._database.read() as session:
                shard_ids = embeddings.shard_ids(session, pool_id)
            if not {id.hex for id in shard_ids}.issuperset(record.shards):  # an older database was restored
                record = _emptied(folder)
            known = set(record.shards)
            fresh = [id for id in shard_ids if id.hex not in known]
            if fresh:
                record = self._extended(folder, record, fresh)
            return _mapped(folder, record)

    def gather(self, vectors: PoolVectors, image_ids: Iterable[uuid.UUID]) -> Matrix:
        """The embeddings of these images, (M, D), memory-mapped. Raises KeyError as `PoolVectors.rows` does.

        If their rows are not consecutive, they are copied into a file without a name, which disappears with
        the last array that maps it, or with the process.
        """
        rows = vectors.rows(image_ids)
        start = int(rows[0]) if len(rows) else 0
        if np.array_equal(rows, np.arange(start, start + len(rows))):
            return vectors.matrix[start : start + len(rows)]
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for block in blocks(len(rows), ROWS_A_COPY):
                stop_if_asked()
                file.write(vectors.matrix[rows[block]].tobytes())
            return np.memmap(file, DTYPE, "r", shape=(len(rows), vectors.matrix.shape[1]))

    def index(self, pool_id: uuid.UUID) -> PoolIndex:
        """The index of the pool's embeddings. Row n is row n of `pool_vectors` that are read afterwards."""
        matrix = self.pool_vectors(pool_id).matrix
        path = self._folder / str(pool_id) / "index"
        with FileLock(path.with_suffix(".lock")):
            index = _read_index(path) or PoolIndex(matrix.shape[1])
            if len(index) < len(matrix):
                index.add(matrix[len(index) :])
                if not index.is_mapped:
                    index.save(path)
        return index

    def _extended(self, folder: Path, record: Record, fresh: Sequence[uuid.UUID]) -> Record:
        for image_ids, block in self._blocks(fresh):
            record = _appended(folder, record, image_ids, block)
        record = replace(record, shards=record.shards + tuple(id.hex for id in fresh))
        for name in ("ids", "embeddings"):
            sync(folder / name)
        write_text(folder / "record.json", json.dumps(asdict(record)))
        return record

    def _blocks(self, shard_ids: Sequence[uuid.UUID]) -> Iterator[tuple[list[str], Matrix]]:
        """Yield the image ids, in hexadecimal, and the embeddings of each shard."""
        for shard_id in shard_ids:
            with self._database.read() as session:
                shard = embeddings.shard(session, shard_id)
            yield shard.image_ids, array(self._blobs, shard.sha256)


def _read_index(path: Path) -> PoolIndex | None:
    try:
        return PoolIndex.load(path)
    except (FileNotFoundError, ValueError):  # there is none yet, or it is damaged
        return None


def read_record(folder: Path) -> Record:
    """The folder's record. If there is none, or files are too short, both are emptied."""
    try:
        values = json.loads((folder / "record.json").read_bytes())
        record = Record(**values | {"shards": tuple(values["shards"])})
        ids, vectors = ((folder / name).stat().st_size for name in ("ids", "embeddings"))
        whole = ids >= ID_BYTES * record.rows and vectors >= record.rows * _row_bytes(record)
        return record if whole else _emptied(folder)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return _emptied(folder)


def _emptied(folder: Path) -> Record:
    """Delete everything in the folder, also the index, and return an empty record."""
    for path in folder.iterdir():
        if path.suffix != ".lock":
            path.unlink()
    return Record()


def _appended(folder: Path, record: Record, image_ids: Sequence[str], block: Matrix) -> Record:
    """Append the rows of a shard, and return a record that counts them."""
    if record.rows == 0:
        record = replace(record, dimension=block.shape[1])
    write_at(folder / "ids", ID_BYTES * record.rows, b"".join(map(bytes.fromhex, image_ids)))
    write_at(folder / "embeddings", record.rows * _row_bytes(record), block.tobytes())
    return replace(record, rows=record.rows + len(block))


def write_at(path: Path, offset: int, content: bytes) -> None:
    path.touch()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def _row_bytes(record: Record) -> int:
    return record.dimension * DTYPE.itemsize


def _mapped(folder: Path, record: Record) -> PoolVectors:
    digest = hashlib.sha256("".join(record.shards).encode()).hexdigest()
    ids = _array(folder / "ids", ID, (record.rows,))
    return PoolVectors(
        ImageIds(ids), _array(folder / "embeddings", DTYPE, (record.rows, record.dimension)), digest
    )


def _array(path: Path, dtype: np.dtype[Scalar], shape: tuple[int, ...]) -> npt.NDArray[Scalar]:
    """The file as a mapped array; an empty file cannot be mapped."""
    return np.memmap(path, dtype, "r", shape=shape) if shape[0] else np.empty(shape, dtype)
