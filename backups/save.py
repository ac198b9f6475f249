"""Makes a backup of a server, which may run, and removes from the folder what no backup there needs."""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text

from backups import files, rows
from backups.copying import copy_all, has, keep_list, read_list
from backups.manifest import Manifest, Unusable, manifests
from migrations import is_new
from store.blobs import LocalBlobs, open_blobs
from store.database import Database
from store.settings import Settings


@dataclass(frozen=True)
class Saved:
    manifest: Manifest
    new: int
    """How many of its blobs the folder did not have yet."""


def save(settings: Settings, folder: Path) -> Saved:
    """Make a backup. Raises Unusable if there is no server, or the folder is in use.

    First the files of trainings are kept, then all rows as they are at one moment, then the blobs that these
    name; no blob is removed in the meantime. A training that goes on in between is restored as if it had
    been killed before, which it bears.
    """
    if is_new(settings.database):
        raise Unusable("There is nothing to back up: the database of FEWPAIRS_DATABASE_URL or --data is new.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    source, target = open_blobs(settings.blobs), LocalBlobs(folder / "blobs")
    with _only_one(folder), source.kept():
        kept_files = files.keep(settings, _trainings(settings), target)
        with rows.one_moment(settings.database, folder) as connection:
            schema = connection.scalar(text(f"SELECT version_num FROM {rows.VERSIONS}"))
            trainings = files.going_on(connection)
            with target.incoming() as incoming:
                found = rows.write(connection, incoming)
                kept_rows = incoming.keep()
        mentioned = {digest for digest in found.mentioned if has(source, digest)}
        copied = copy_all(source, target, found.named | mentioned)
        manifest = Manifest(
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ"),
            made_by=f"fewpairs {version('fewpairs')}",
            schema=str(schema),
            rows=kept_rows.sha256,
            counts=found.counts,
            blobs=keep_list(target, copied.blobs),
            blob_count=len(copied.blobs),
            blob_bytes=sum(target.path(digest).stat().st_size for digest in copied.blobs),
            files=files.needed(kept_files, trainings, copied.blobs),
            missing=sorted(copied.lost),
        )
        manifest.write(folder)
        _prune(folder, target)
    return Saved(manifest, copied.new)


def _trainings(settings: Settings) -> set[uuid.UUID]:
    database = Database(settings.database)
    try:
        with database.read() as session:
            return files.going_on(session)
    finally:
        database.close()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"Another backup is being made in {folder}.") from None
        yield


def _prune(folder: Path, store: LocalBlobs) -> None:
    """Remove bytes of no backup: of those that were interrupted, or whose manifest was deleted."""
    needed = set[str]()
    for path in manifests(folder):
        manifest = Manifest.read(path)
        needed |= {manifest.rows, manifest.blobs, *manifest.files.values(), *read_list(store, manifest.blobs)}
    for path in store.root.glob("[0-9a-f][0-9a-f]/*"):
        if path.name not in needed:
            store.remove(path.name)
    for path in (*(store.root / "incoming").iterdir(), *folder.glob("*.tmp")):
        path.unlink()
