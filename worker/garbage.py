"""`python -m worker.garbage` shows what nobody needs; with `--remove` it removes it at once."""

import argparse
import sys

from store import drafts, retention
from store.blobs import LocalBlobs, open_blobs
from store.database import Database, SchemaMismatch
from store.settings import Settings, settings_or_exit
from worker.upkeep import janitor, leftovers
from worker.upkeep.leftovers import Piece


def pieces(settings: Settings, database: Database, blobs: LocalBlobs) -> list[Piece]:
    """All files and folders that nobody needs."""
    unnamed = leftovers.unnamed_blobs(database, blobs)
    return [
        *leftovers.files(settings, database),
        *leftovers.partial_blobs(blobs),
        *(Piece("blobs", blobs.path(digest)) for digest in unnamed),
    ]


def main(settings: Settings, remove: bool) -> None:
    database = Database(settings.database)
    database.require_schema()
    blobs = open_blobs(settings.blobs)
    assert isinstance(blobs, LocalBlobs)
    found = pieces(settings, database, blobs)
    with database.read() as session:
        old_jobs = retention.count_old_jobs(session, settings.keep_jobs_s)
        old_drafts = drafts.count_old(session, settings.keep_drafts_s)
    sys.stdout.write(f"jobs: {old_jobs} ended long ago\n")
    sys.stdout.write(f"drafts: {old_drafts} not changed for long\n")
    for kind in ("runs", "cache", "blobs"):
        sizes = [piece.size for piece in found if piece.kind == kind]
        sys.stdout.write(
            f"{kind}: {len(sizes)} files and folders that nobody needs, {sum(sizes) / 1e6:.1f} MB\n"
        )
    if remove:
        janitor.tidy(settings, database, blobs, leftovers.ALL)
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
