"""`python -m backups save FOLDER`, or `restore` or `check`, for the server of the settings."""

import argparse
import sys
from pathlib import Path

from sqlalchemy.exc import OperationalError

from backups.check import damaged
from backups.manifest import Unusable, newest
from backups.restore import restore
from backups.save import save
from store.settings import Settings, settings_or_exit


def run(action: str, folder: Path, made_at: str | None, settings: Settings) -> list[str]:
    """Returns the digests of what is missing or damaged."""
    if action == "check":
        sys.stdout.write(f"Reading the backup {newest(folder, made_at).made_at} …\n")
        return damaged(folder, made_at)
    if action == "save":
        saved = save(settings, folder)
        manifest, missing = saved.manifest, saved.manifest.missing
        done = f"Made the backup {manifest.made_at}: {saved.new} blobs are new in the folder"
    else:
        manifest, missing = restore(settings, folder, made_at)
        done = f"Restored the backup {manifest.made_at}"
    sys.stdout.write(
        f"{done}. {sum(manifest.counts.values())} rows, {manifest.blob_count} blobs "
        f"({manifest.blob_bytes / 1e6:.1f} MB), {len(manifest.files)} other files.\n"
    )
    return missing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backups", description="Back up a server, or restore it.")
    parser.add_argument("action", choices=["save", "restore", "check"])
    parser.add_argument("folder", type=Path, help="folder of the backups")
    parser.add_argument("--made-at", help="a backup by its time; default: the newest")
    arguments = parser.parse_args()
    try:
        missing = run(arguments.action, arguments.folder, arguments.made_at, settings_or_exit())
    except Unusable as problem:
        sys.exit(str(problem))
    except OperationalError as error:
        sys.exit(f"The database cannot be reached: {error.orig}".rstrip())
    for digest in missing:
        sys.stdout.write(f"missing or damaged: {digest}\n")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
