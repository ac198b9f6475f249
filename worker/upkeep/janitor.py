"""Removes what nobody needs: the sweep of workers once an hour, `fewpairs gc --remove` at once."""

import time
from collections.abc import Iterable

from filelock import FileLock, Timeout

from store import drafts, references, retention
from store.blobs import Blobs, LocalBlobs
from store.database import Database
from store.settings import Settings
from worker.upkeep import leftovers

FOLDERS_AN_HOUR = 11
"""Of the 256 folders of blobs, so that every one is looked through once a day."""


def tidy(settings: Settings, database: Database, blobs: Blobs, folders: Iterable[int] | None = None) -> None:
    """Remove old jobs and drafts, leftover files, and blobs that no row names: in these folders, by default
    those whose turn it is in this hour. If another process is at it, that is enough.
    """
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.cache_dir / "janitor.lock", timeout=0):
            _remove_jobs(settings, database)
            with database.write() as session:
                drafts.remove_old(session, settings.keep_drafts_s)
            for piece in leftovers.files(settings, database):
                leftovers.remove(piece)
            blobs.drop_abandoned()
            if isinstance(blobs, LocalBlobs):
                unnamed = list(leftovers.unnamed_blobs(database, blobs, folders or _due()))
                with database.write() as session:
                    references.leave(session, unnamed)
            _remove_blobs(database, blobs)
    except Timeout:
        return


def _due() -> Iterable[int]:
    first = int(time.time() // 3600) * FOLDERS_AN_HOUR
    return (number % 256 for number in range(first, first + FOLDERS_AN_HOUR))


def _remove_jobs(settings: Settings, database: Database) -> None:
    removed = True
    while removed:
        with database.write() as session:
            removed = retention.remove_old_jobs(session, settings.keep_jobs_s) > 0


def _remove_blobs(database: Database, blobs: Blobs) -> None:
    is_done = False
    while not is_done:
        with database.alone() as session:
            is_done = references.remove_leaving(session, blobs)
