"""Bytes on their way into a store of blobs and out of it."""

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from store.blobs.contract import Blob, BlobDamaged, Blobs

CHUNK = 1024 * 1024


class SupportsWrite(Protocol):
    def write(self, data: bytes, /) -> object: ...


def put(blobs: Blobs, chunks: Iterable[bytes]) -> Blob:
    with blobs.incoming() as incoming:
        for chunk in chunks:
            incoming.write(chunk)
        return incoming.keep()


def put_file(blobs: Blobs, path: Path) -> Blob:
    with path.open("rb") as file:
        return put(blobs, iter(lambda: file.read(CHUNK), b""))


def copy(blobs: Blobs, sha256: str, to: SupportsWrite) -> None:
    """Write the bytes of a blob to a file. Raises BlobMissing, and at the end BlobDamaged."""
    digest = hashlib.sha256()
    with blobs.open(sha256) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            to.write(chunk)
    if digest.hexdigest() != sha256:
        raise BlobDamaged(sha256)


def read(blobs: Blobs, sha256: str) -> bytes:
    """The bytes of a blob, which are checked. Raises BlobMissing and BlobDamaged."""
    content = io.BytesIO()
    copy(blobs, sha256, content)
    return content.getvalue()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, which is its name if it is an undamaged blob."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
