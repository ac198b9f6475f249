"""What nobody needs: second copies in run directories, left caches, and blobs that no row names.

`python -m worker.garbage` lists it, and with `--remove` removes it. Workers remove second copies and caches
by themselves, every hour.
"""

import argparse
import shutil
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.training.run_directory import RunDirectory
from store import references
from store.blobs import LocalBlobs, open_blobs
from store.chunks import VALUES_A_QUERY, chunks
from store.clock import from_now
from store.database import Database, SchemaMismatch
from store.settings import Settings, settings_or_exit
from store.tables import Job, Model, Pool
from worker.attempt import job_of

FAILED_KEPT = timedelta(days=7)
"""How long a failed training keeps its photos and its last checkpoint, from which it can be looked into."""
ARRIVED_S = 24 * 3600
"""The age at which a blob that no row names is no upload or result that is still being written down."""


@dataclass(frozen=True)
class Piece:
    """A file or folder that nobody needs."""

    kind: str
    path: Path

    @property
    def size(self) -> int:
        """Bytes."""
        files = self.path.rglob("*") if self.path.is_dir() else [self.path]
        return sum(path.stat().st_size for path in files if path.is_file())


def copies(settings: Settings, database: Database) -> list[Piece]:
    """Second copies in run directories, and caches of what is not there any more."""
    with database.read() as session:
        return [
            *(Piece("runs", path) for path in _runs(session, settings.runs_dir) if path.exists()),
            *(Piece("cache", path) for path in _caches(session, settings.cache_dir)),
        ]


def remove_copies(settings: Settings, database: Database) -> None:
    for piece in copies(settings, database):
        _remove(piece.path)


def blobs_without_a_name(database: Database, blobs: LocalBlobs) -> Iterator[str]:
    """The digests of old blobs that no row names."""
    for folder in sorted(blobs.root.glob("??")):
        for files in chunks(sorted(folder.iterdir()), VALUES_A_QUERY):
            old = [file.name for file in files if time.time() - file.stat().st_mtime > ARRIVED_S]
            with database.read() as session:
                yield from sorted(set(old) - references.named(session, old)) if old else ()


def _runs(session: Session, folder: Path) -> Iterator[Path]:
    now = session.scalars(select(from_now(0))).one()
    for path, job_id in _named_by_ids(folder.glob("*")):
        job = session.get(Job, job_id)
        if job is None:
            yield path
        elif job.state in ("succeeded", "cancelled") or (
            job.state == "failed" and job.finished_at and now - job.finished_at > FAILED_KEPT
        ):
            run = RunDirectory(path)
            yield from (path / "data", run.features, run.start, run.checkpoint, run.model)


def _caches(session: Session, folder: Path) -> Iterator[Path]:
    for path in folder.glob("job-*"):
        job_id = job_of(path)
        job = session.get(Job, job_id) if job_id else None
        if job is None or job.state != "running":
            yield path
    for path, model_id in _named_by_ids(folder.glob("models/*")):
        if session.get(Model, model_id) is None:
            yield path
    for path in folder.glob("models/arriving-*"):
        if time.time() - path.stat().st_mtime > ARRIVED_S:
            yield path
    for path, pool_id in _named_by_ids(folder.glob("vectors/*")):
        pool = session.get(Pool, pool_id)
        if pool is None or pool.removed:
            yield path


def _named_by_ids(paths: Iterable[Path]) -> Iterator[tuple[Path, uuid.UUID]]:
    """The paths whose names are ids, with these."""
    for path in paths:
        with suppress(ValueError):
            yield path, uuid.UUID(path.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def main(settings: Settings, remove: bool) -> None:
    database, blobs = Database(settings.database), open_blobs(settings.blobs)
    database.require_schema()
    assert isinstance(blobs, LocalBlobs)
    nameless = list(blobs_without_a_name(database, blobs))
    pieces = [*copies(settings, database), *(Piece("blobs", blobs.path(digest)) for digest in nameless)]
    sizes: Counter[str] = Counter()
    for piece in pieces:
        sizes[piece.kind] += piece.size
    for kind in ("runs", "cache", "blobs"):
        count = sum(piece.kind == kind for piece in pieces)
        sys.stdout.write(f"{kind}: {count} files and folders that nobody needs, {sizes[kind] / 1e6:.1f} MB\n")
    if remove:
        remove_copies(settings, database)
        with database.write() as session:
            references.leave(session, nameless)
        is_done = False
        while not is_done:
            with database.alone() as session:
                is_done = references.remove_leaving(session, blobs)
        sys.stdout.write("Removed.\n")
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m worker.garbage", description="Show what nobody needs.")
    parser.add_argument("--remove", action="store_true", help="remove it")
    arguments = parser.parse_args()
    try:
        main(settings_or_exit(), arguments.remove)
    except SchemaMismatch as error:
        sys.exit(str(error))
