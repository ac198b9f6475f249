"""Blobs between the store of a server and that of a backup, checked on the way."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from backups.manifest import Unusable
from store import blobs
from store.blobs import BlobDamaged, BlobMissing, Blobs

LOST = (BlobMissing, BlobDamaged)


@dataclass
class Copied:
    blobs: set[str] = field(default_factory=set)
    """The blobs that are there now."""
    new: int = 0
    lost: set[str] = field(default_factory=set)
    """Those that are missing or damaged where they should have come from."""


def copy_all(source: Blobs, target: Blobs, digests: Iterable[str]) -> Copied:
    """Copy the blobs that the target does not have."""
    copied = Copied()
    for digest in sorted(digests):
        try:
            if not has(target, digest):
                with target.incoming() as incoming:
                    blobs.copy(source, digest, incoming)
                    incoming.keep()
                copied.new += 1
            copied.blobs.add(digest)
        except LOST:
            copied.lost.add(digest)
    return copied


def has(store: Blobs, digest: str) -> bool:
    try:
        store.require(digest)
    except BlobMissing:
        return False
    return True


def check(store: Blobs, digest: str) -> None:
    """Read a file of a backup. Raises Unusable if it is missing or damaged."""
    try:
        with open(os.devnull, "wb") as nowhere:
            blobs.copy(store, digest, nowhere)
    except LOST as problem:
        raise Unusable(f"The backup is damaged. {problem}") from problem


def opened(store: Blobs, digest: str) -> BinaryIO:
    """Open a file of a backup whose bytes have been checked. Raises Unusable."""
    check(store, digest)
    return store.open(digest)


def keep_list(store: Blobs, digests: Iterable[str]) -> str:
    """Keep a list of digests, one a line. Returns its own."""
    return blobs.put(store, ["\n".join(sorted(digests)).encode()]).sha256


def read_list(store: Blobs, digest: str) -> list[str]:
    """The digests of a list. Raises Unusable."""
    with opened(store, digest) as file:
        return file.read().decode().split()
