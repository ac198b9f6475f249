"""Makes a server of a backup, in an empty data folder and an empty database.

It can be interrupted and run again. The rows come last, in one transaction, so no server starts with a
part of them: `python -m migrations` refuses an empty database beside blobs.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, update

from backups import files, rows
from backups.copying import copy_all, opened, read_list
from backups.manifest import Manifest, Unusable, newest
from migrations import engine, is_known, is_new, make_tables, upgrade
from models.files import atomic_write, write_text
from store.blobs import Blobs, LocalBlobs, folder_of, is_empty, open_blobs
from store.settings import Settings

MARKER = "restoring"
"""Says in the data folder which backup is being restored."""


def restore(settings: Settings, folder: Path, made_at: str | None = None) -> tuple[Manifest, list[str]]:
    """Restore the backup of this time, or the newest. Returns it, and the blobs that are missing or damaged.

    Raises Unusable, before anything is written, if there is no such backup or the server is not empty.
    """
    manifest = newest(folder, made_at)
    if not is_known(manifest.schema):
        raise Unusable(f"The backup was made by a newer version, {manifest.made_by}: use that version.")
    source = LocalBlobs(folder / "blobs")
    with _marked(settings, manifest):
        target = open_blobs(settings.blobs)
        copied = copy_all(source, target, read_list(source, manifest.blobs))
        for path, digest in manifest.files.items():
            _place(source, digest, files.place(settings, path))
        with engine(settings.database).begin() as connection:
            if not rows.tables(connection):
                _add_rows(connection, manifest, source)
        upgrade(settings.database)
    return manifest, sorted(copied.lost | set(manifest.missing))


@contextmanager
def _marked(settings: Settings, manifest: Manifest) -> Iterator[None]:
    """Raises Unusable unless the server is empty, or this restore of it was interrupted."""
    data = settings.data_dir.absolute()
    marker = data / MARKER
    if marker.exists():
        if (began := marker.read_text(encoding="utf-8")) != manifest.made_at:
            raise Unusable(f"{data} holds a part of the backup {began}: restore that, or empty the folder.")
    else:
        _require_empty(settings, data)
        write_text(marker, manifest.made_at)
    yield
    for path in data.glob(f"{MARKER}*"):
        path.unlink()


def _require_empty(settings: Settings, data: Path) -> None:
    # A restore that was killed at its very beginning leaves a marker that is not whole.
    if data.exists() and any(not path.name.startswith(MARKER) for path in data.iterdir()):
        raise Unusable(f"The data folder {data} is not empty: a backup is restored into an empty one.")
    if not is_empty(blobs := folder_of(settings.blobs)):
        raise Unusable(f"There are blobs in {blobs}: a backup is restored into an empty folder.")
    if not is_new(settings.database):
        raise Unusable("The database is not empty: a backup is restored into an empty one.")


def _place(source: Blobs, digest: str, path: Path) -> None:
    if not path.exists():
        with opened(source, digest) as file, atomic_write(path) as temporary, temporary.open("wb") as target:
            shutil.copyfileobj(file, target)


def _add_rows(connection: Connection, manifest: Manifest, source: Blobs) -> None:
    with opened(source, manifest.rows) as file:
        make_tables(connection, manifest.schema)
        if rows.fill(connection, file) != manifest.counts:
            raise Unusable("The backup is damaged: the numbers of its rows do not match its manifest.")
    [jobs] = [table for table in rows.tables(connection) if table.name == "jobs"]
    # The attempts that ran did not fail; their leases have ended, so the sweep queues these jobs again.
    again = update(jobs).where(jobs.c.state == "running").values(max_attempts=jobs.c.max_attempts + 1)
    connection.execute(again)
