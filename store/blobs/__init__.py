"""Content-addressed bytes. A blob has the name of its SHA-256 and never changes, so it needs no lock."""

from store.blobs.contract import ABANDONED_S, Blob, BlobDamaged, BlobMissing, Blobs, Incoming
from store.blobs.local import LocalBlobs, folder_of, is_empty, open_blobs
from store.blobs.transfer import CHUNK, copy, digest_of, put, put_file, read

__all__ = [
    "ABANDONED_S",
    "CHUNK",
    "Blob",
    "BlobDamaged",
    "BlobMissing",
    "Blobs",
    "Incoming",
    "LocalBlobs",
    "copy",
    "digest_of",
    "folder_of",
    "is_empty",
    "open_blobs",
    "put",
    "put_file",
    "read",
]
