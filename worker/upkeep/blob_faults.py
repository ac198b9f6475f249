"""Blobs that rows name and that are missing or damaged, and files among the blobs that are none."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from store import holders, references
from store.blobs import BlobDamaged, BlobMissing, LocalBlobs, digest_of
from store.database import Database
from store.settings import Settings
from worker.upkeep.fault import Fault
from worker.upkeep.repairs import Repairs

DIGEST = re.compile("[0-9a-f]{64}")
MOST_NAMED = 3


def blob_faults(
    settings: Settings, database: Database, blobs: LocalBlobs, named: Iterable[str], *, read: bool
) -> Iterator[Fault]:
    """The faults of the blobs that rows name. With `read`, their bytes are read and hashed."""
    repairs = Repairs(settings, database, blobs)
    for sha256 in named:
        try:
            if read and digest_of(blobs.path(sha256)) != sha256:
                raise BlobDamaged(sha256)
            blobs.require(sha256)
        except (BlobMissing, FileNotFoundError):
            yield from _fault(database, repairs, "missing blob", sha256)
        except BlobDamaged:
            yield from _fault(database, repairs, "damaged blob", sha256)
        except OSError as error:
            detail = f"The blob {sha256} cannot be read: {error}."
            yield Fault("unreadable blob", detail, "Look after the disk.")


def _fault(database: Database, repairs: Repairs, kind: str, sha256: str) -> Iterator[Fault]:
    """The fault, unless the blob was removed meanwhile because no row names it any more."""
    with database.read() as session:
        found = holders.of(session, sha256)
    if found:
        names = ", ".join(map(str, found[:MOST_NAMED]))
        more = f" and {len(found) - MOST_NAMED} others" if len(found) > MOST_NAMED else ""
        state = "is not there" if kind == "missing blob" else "has other bytes than were stored"
        what = f"The blob {sha256} of {names}{more} {state}."
        yield Fault(kind, what, holders.ADVICE[found[0].kind], partial(repairs.blob, sha256))


def strangers(blobs: LocalBlobs) -> Iterator[Fault]:
    """Files among the blobs that no version of the program has put there."""
    for path in _files(sorted(blobs.root.glob("[0-9a-f][0-9a-f]"))):
        if not DIGEST.fullmatch(path.name) or path.parent.name != path.name[:2]:
            yield Fault("stranger", f"{path} is no blob: its name is no digest.", "Move it away.")


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from folder.iterdir()


def named_blobs(database: Database) -> dict[str, str]:
    """The table, in words, that names each blob."""
    with database.read() as session:
        return references.all_named(session)
