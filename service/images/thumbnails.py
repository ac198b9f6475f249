"""Small JPEGs of photos: each is made once and kept with the photo's bytes."""

from service.runtime import Service
from store.blobs import CHUNK

KEPT = (64, 128, 256, 512)
"""The sides that are kept; others are made anew each time."""


def kept(service: Service, sha256: str, side: int) -> bytes | None:
    return service.blobs.derived(sha256, _kind(side)) if side in KEPT else None


def made(service: Service, sha256: str, side: int) -> bytes:
    """Make the thumbnail, at most `side` pixels wide and high. Raises BlobMissing or a Problem."""
    with service.blobs.incoming() as copy:
        with service.blobs.open(sha256) as content:
            while chunk := content.read(CHUNK):
                copy.write(chunk)
        copy.flush()
        jpeg = service.decoders.thumbnail(copy.path, side)
    if side in KEPT:
        service.blobs.keep_derived(sha256, _kind(side), jpeg)
    return jpeg


def _kind(side: int) -> str:
    return f"{side}.jpg"
