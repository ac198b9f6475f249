"""`python -m tests.backups.killed FOLDER EVERY`: kill backups of the server of the settings, and restores.

One is killed at each of its places, or at each second one and so on, and is then run again. Prints the
places.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from backups.check import damaged
from backups.manifest import manifests, newest
from backups.restore import MARKER, restore
from backups.save import save
from migrations import is_new
from store.settings import Settings
from tests.faults.crashing import kill_at, places, undisturbed


def backups(server: Settings, whole: Path, folder: Path, every: int) -> Iterator[str]:
    """What an interrupted backup leaves is no backup, or a whole one; the next one leaves nothing of it."""
    for number, place in enumerate(places(lambda: save(server, folder / "counted"))[::every]):
        target = folder / f"backup-{number}"
        assert kill_at(place, lambda target=target: save(server, target)), place
        assert [path for path in manifests(target) if damaged(target, path.stem)] == [], place
        undisturbed(lambda target=target: save(server, target))
        assert damaged(target) == [], place
        assert files(target) == files(whole), place
        yield place


def restores(source: Path, folder: Path, every: int) -> Iterator[str]:
    """What an interrupted restore leaves has no tables, or all rows; the next one goes on."""
    for number, place in enumerate(places(lambda: restore(on(folder / "restored"), source))[::every]):
        server = on(folder / f"restored-{number}")
        assert kill_at(place, lambda server=server: restore(server, source)), place
        if not is_new(server.database):
            has_all_rows(server, source)
        had_ended = not is_new(server.database) and not (server.data_dir / MARKER).exists()
        if not had_ended:
            undisturbed(lambda server=server: restore(server, source))
        has_all_rows(server, source)
        assert blobs(server) == blobs(on(folder / "restored")), place
        yield place


def on(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, database_url="")


def has_all_rows(server: Settings, source: Path) -> None:
    """A backup of the restored server has the same rows, byte for byte."""
    again = server.data_dir.with_suffix(".again")
    undisturbed(lambda: save(server, again))
    assert newest(again).rows == newest(source).rows


def files(folder: Path) -> set[str]:
    """The names of all files but manifests, whose names are times."""
    return {path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"}


def blobs(server: Settings) -> set[str]:
    return {path.name for path in server.data_dir.glob("blobs/??/*")}


def main(folder: Path, every: int) -> None:
    server, whole = Settings(), folder / "whole"
    undisturbed(lambda: save(server, whole))
    for place in backups(server, whole, folder, every):
        sys.stdout.write(f"backup: {place}\n")
    for place in restores(whole, folder, every):
        sys.stdout.write(f"restore: {place}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
