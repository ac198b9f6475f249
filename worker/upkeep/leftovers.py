"""Files that nobody needs any more: second copies, old caches, blobs that no row names."""

import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.orm import Session

from models.training.run_directory import RunDirectory
from store import clock, references
from store.blobs import ABANDONED_S, LocalBlobs
from store.chunks import VALUES_A_QUERY, chunks
from store.database import Database
from store.settings import Settings
from store.tables import Job, Model, Pool
from worker.attempt import job_of

FAILED_KEPT = timedelta(days=7)
"""How long a failed training keeps its photos and its last checkpoint, from which it can be looked into."""
ARRIVED_S = 24 * 3600
"""The age at which a blob that no row names is no upload or result that is still being written down."""
ALL = range(256)
"""The folders of blobs."""
IN_USE_S = 3600
"""A cache that was used in this time is kept, however large all caches are."""


@dataclass(frozen=True)
class Piece:
    """A file or folder that nobody needs."""

    kind: str
    """`runs`, `cache` or `blobs`."""
    path: Path
    in_use: bool = False
    """Whether somebody may be reading it now."""

    @property
    def size(self) -> int:
        """Bytes."""
        return size_of(self.path)


def size_of(path: Path) -> int:
    """The bytes that a file, or all files in a folder, take on disk. What disappears meanwhile takes none."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        with suppress(FileNotFoundError):
            total += 0 if file.is_dir() else allocated(file)
    return total


def allocated(file: Path) -> int:
    """The bytes that a file takes on disk."""
    return file.stat(follow_symlinks=False).st_blocks * 512


def files(settings: Settings, database: Database) -> list[Piece]:
    """What is left over in run directories and caches."""
    with database.read() as session:
        runs = [path for path in _runs(session, settings.runs_dir) if path.exists()]
        gone = [*_caches(session, settings.cache_dir)]
    spare = [path for path in _least_used(settings.cache_dir, settings.cache_bytes) if path not in gone]
    return [
        *(Piece("runs", path) for path in runs),
        *(Piece("cache", path) for path in gone),
        *(Piece("cache", path, in_use=True) for path in spare),
    ]


def partial_blobs(blobs: LocalBlobs) -> list[Piece]:
    """Bytes of uploads that were cut off, and held bytes that no job has dropped."""
    return [Piece("blobs", path) for path in blobs.abandoned()]


def unnamed_blobs(
    database: Database, blobs: LocalBlobs, folders: Iterable[int] = range(256)
) -> Iterator[str]:
    """The digests of old blobs that no row names, in some of the 256 folders of blobs."""
    with database.read() as session:
        in_documents = references.in_documents(session)
    for folder in (blobs.root / f"{number:02x}" for number in folders):
        for found in chunks(sorted(folder.iterdir()), VALUES_A_QUERY):
            old = [path.name for path in found if _age_s(path) > ARRIVED_S and path.name not in in_documents]
            with database.read() as session:
                yield from sorted(set(old) - references.in_columns(session, old)) if old else ()


def remove(piece: Piece) -> None:
    """Remove a file or folder."""
    if piece.in_use and piece.path.parent.name == "vectors":
        _empty_vectors(piece.path)
    elif piece.path.is_dir():
        shutil.rmtree(piece.path, ignore_errors=True)
    else:
        piece.path.unlink(missing_ok=True)


def _runs(session: Session, folder: Path) -> Iterator[Path]:
    now = clock.now(session)
    for path, job_id in named_by_ids(folder.glob("*")):
        job = session.get(Job, job_id)
        if job is None:
            yield path
        elif job.state in ("succeeded", "cancelled") or (
            job.state == "failed" and job.finished_at and now - job.finished_at > FAILED_KEPT
        ):
            run = RunDirectory(path)
            yield from (path / "data", run.features, run.start, run.checkpoint, run.model)


def _caches(session: Session, folder: Path) -> Iterator[Path]:
    """Caches of what is not there any more."""
    for path in folder.glob("job-*"):
        job_id = job_of(path)
        job = session.get(Job, job_id) if job_id else None
        if job is None or job.state != "running":
            yield path
    for path, model_id in named_by_ids(folder.glob("models/*")):
        if session.get(Model, model_id) is None:
            yield path
    for path in folder.glob("models/arriving-*"):
        if _age_s(path) > ABANDONED_S:
            yield path
    for path, pool_id in named_by_ids(folder.glob("vectors/*")):
        pool = session.get(Pool, pool_id)
        if pool is None or pool.removed:
            yield path


def _least_used(folder: Path, most_bytes: int) -> Iterator[Path]:
    """The caches of models and pools that have no room, the least recently used ones."""
    caches = [path for path, _ in named_by_ids([*folder.glob("models/*"), *folder.glob("vectors/*")])]
    room = most_bytes
    for path in sorted(caches, key=_age_s):
        size = size_of(path)
        room -= size
        if room < 0 and size and _age_s(path) > IN_USE_S:
            yield path


def _age_s(path: Path) -> float:
    """Seconds since it was written, or since a cache was used; 0 if it has disappeared."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def named_by_ids(paths: Iterable[Path]) -> Iterator[tuple[Path, uuid.UUID]]:
    """The paths whose names are ids, with these."""
    for path in paths:
        with suppress(ValueError):
            yield path, uuid.UUID(path.name)


def _empty_vectors(folder: Path) -> None:
    """Empty a pool's folder of embeddings, but for the locks that its users share; not while one is taken."""
    with (
        suppress(Timeout),
        FileLock(folder / "vectors.lock", timeout=0),
        FileLock(folder / "index.lock", timeout=0),
    ):
        for path in folder.iterdir():
            if path.suffix != ".lock":
                path.unlink(missing_ok=True)
