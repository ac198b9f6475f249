"""The patch features of whole pools as memory-mapped arrays, kept beside their embeddings.

To a pool's folder of embeddings this adds `patches` (float16, one row for each image, in the same order) and
`patches.json`, which says how many shards and rows of it are valid.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from models.encoders.networks import Patches
from models.files import sync, write_text
from store import embeddings
from store.blobs import Blobs
from store.database import Database
from worker.arrays import array
from worker.cache.vectors import read_record, write_at


@dataclass(frozen=True)
class PatchRecord:
    """What is valid of a pool's patches: `rows` of the `shape` (P, D), from its first `shards`."""

    shards: int = 0
    rows: int = 0
    shape: tuple[int, ...] = (0, 0)


class PatchCache:
    """The patches of pools in `folder`, the folder of a `VectorCache`."""

    def __init__(self, folder: Path, database: Database, blobs: Blobs) -> None:
        self._folder = folder
        self._database = database
        self._blobs = blobs

    def pool_patches(self, pool_id: uuid.UUID) -> Patches:
        """The patch features of the pool's images, (N, P, D): row n belongs to row n of the embeddings that
        `VectorCache.pool_vectors` gave before.

        Raises ValueError for a shard without patches (`embeddings.shards_without_patches`), and what
        `store.blobs.read` raises.
        """
        folder = self._folder / str(pool_id)
        with FileLock(folder / "vectors.lock"):
            shards = read_record(folder).shards
            record = _read(folder, len(shards))
            if fresh := shards[record.shards :]:
                record = self._extended(folder, record, fresh)
        if not record.rows:
            return np.empty((0, *record.shape), np.float16)
        return np.memmap(folder / "patches", np.float16, "r", shape=(record.rows, *record.shape))

    def _extended(self, folder: Path, record: PatchRecord, fresh: Sequence[str]) -> PatchRecord:
        for shard_id in fresh:
            with self._database.read() as session:
                shard = embeddings.shard(session, uuid.UUID(shard_id))
            if shard.patches_sha256 is None:
                raise ValueError(f"The shard {shard.id} has no patches.")
            block = array(self._blobs, shard.patches_sha256)
            write_at(folder / "patches", record.rows * block[:1].nbytes, block.tobytes())
            record = replace(
                record, shards=record.shards + 1, rows=record.rows + len(block), shape=block.shape[1:]
            )
        sync(folder / "patches")
        write_text(folder / "patches.json", json.dumps(asdict(record)))
        return record


def _read(folder: Path, shards: int) -> PatchRecord:
    """The folder's record; an empty one if there is none, or if it does not fit the files."""
    try:
        values = json.loads((folder / "patches.json").read_bytes())
        record = PatchRecord(**values | {"shape": tuple(values["shape"])})
        size = (folder / "patches").stat().st_size
        needed = record.rows * np.dtype(np.float16).itemsize * int(np.prod(record.shape))
        return record if size >= needed and record.shards <= shards else PatchRecord()
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return PatchRecord()
