"""Caches that are not, byte for byte, what they are copies of."""

import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock

from store import models
from store.blobs import BlobDamaged, BlobMissing, LocalBlobs, digest_of
from store.database import Database
from store.settings import Settings
from store.tables import Shard
from worker.arrays import array
from worker.cache.vectors import read_record
from worker.upkeep import leftovers
from worker.upkeep.fault import Fault
from worker.upkeep.leftovers import Piece


def cache_faults(settings: Settings, database: Database, blobs: LocalBlobs) -> Iterator[Fault]:
    """Cached models that are not the model's files, cached embeddings that are not those of the shards."""
    for folder, model_id in leftovers.named_by_ids((settings.cache_dir / "models").glob("*")):
        if not _is_model(database, folder, model_id):
            yield _fault(folder, f"is not the files of the model {model_id}")
    for folder, pool_id in leftovers.named_by_ids((settings.cache_dir / "vectors").glob("*")):
        if not _has_embeddings(database, blobs, folder):
            yield _fault(folder, f"is not the embeddings of the pool {pool_id}")


def _fault(folder: Path, what: str) -> Fault:
    advice = f"Delete {folder}: it is made again."
    return Fault("damaged cache", f"{folder} {what}.", advice, partial(_removed, folder))


def _removed(folder: Path) -> bool:
    leftovers.remove(Piece("cache", folder, in_use=True))
    return leftovers.size_of(folder) == 0


def _is_model(database: Database, folder: Path, model_id: uuid.UUID) -> bool:
    with database.read() as session:
        files = models.files(session, [model_id]).get(model_id, [])
    try:
        return all(digest_of(folder / file.name) == file.sha256 for file in files)
    except FileNotFoundError:
        return False


def _has_embeddings(database: Database, blobs: LocalBlobs, folder: Path) -> bool:
    """Whether the rows of a pool's folder are those of its shards; also if these cannot be read."""
    with FileLock(folder / "vectors.lock"):
        shards = read_record(folder).shards
        if not shards:
            return True
        with (folder / "embeddings").open("rb") as cached:
            for shard_id in shards:
                with database.read() as session:
                    shard = session.get(Shard, uuid.UUID(shard_id))
                if shard is None:  # whoever uses the folder next empties it
                    return True
                try:
                    rows = array(blobs, shard.sha256).tobytes()
                except (BlobMissing, BlobDamaged):
                    return True
                if cached.read(len(rows)) != rows:
                    return False
    return True
