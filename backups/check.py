"""Reads a whole backup and compares the digests."""

from collections.abc import Iterator
from pathlib import Path

from backups.copying import check, read_list
from backups.manifest import Unusable, newest
from store.blobs import LocalBlobs


def damaged(folder: Path, made_at: str | None = None) -> list[str]:
    """The digests of what is missing or damaged, or was when the backup was made. Raises Unusable."""
    manifest, store = newest(folder, made_at), LocalBlobs(folder / "blobs")
    digests = {manifest.rows, *read_list(store, manifest.blobs), *manifest.files.values()}
    return sorted({*manifest.missing, *_damaged(store, digests)})


def _damaged(store: LocalBlobs, digests: set[str]) -> Iterator[str]:
    for digest in digests:
        try:
            check(store, digest)
        except Unusable:
            yield digest
