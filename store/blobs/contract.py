"""What every store of blobs does."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

ABANDONED_S = 24 * 3600


@dataclass(frozen=True)
class Blob:
    sha256: str
    size: int


class BlobMissing(FileNotFoundError):
    """The store does not have the blob; its disk may not be mounted."""


class BlobDamaged(Exception):
    """The bytes of a blob are not those of its name: its disk or another program has changed them."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The bytes of the blob {sha256} have changed.")
        self.sha256 = sha256


class Incoming(Protocol):
    """Incoming bytes: on local disk, hashed while they arrive, not yet kept."""

    path: Path
    size: int

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes that were written so far."""
        ...

    def write(self, chunk: bytes) -> None: ...

    def flush(self) -> None:
        """Make the written bytes readable at `path`."""
        ...

    def keep(self) -> Blob:
        """Make the bytes durable under their digest: from then on they survive a power cut."""
        ...

    def hold(self) -> str:
        """Make the bytes durable for one job, under a name of their own. The job drops them at its end.

        After `ABANDONED_S` they may be dropped in any case.
        """
        ...


class Blobs(Protocol):
    def incoming(self) -> AbstractContextManager[Incoming]:
        """A place to stream bytes to. At the end of the block they are dropped unless they were kept."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob, or held bytes by their name, without a check of the bytes. Raises BlobMissing."""
        ...

    def fetch(self, sha256: str, destination: Path) -> None:
        """Place a copy of the blob, whose bytes are checked, at a path that does not exist yet.

        The name of held bytes works as well. Raises BlobMissing, and BlobDamaged; then there is no copy.
        """
        ...

    def require(self, *digests: str) -> None:
        """Raise BlobMissing unless all of these blobs are there.

        Called in the transaction that adds their names to the database: until then, blobs that were kept
        already may be removed, because the last row that named them was deleted.
        """
        ...

    def derived(self, sha256: str, kind: str) -> bytes | None:
        """What `keep_derived` kept; None if it did not."""
        ...

    def keep_derived(self, sha256: str, kind: str, content: bytes) -> None:
        """Keep something small that was made of a blob and can be made again, until the blob is removed."""
        ...

    def remove(self, sha256: str) -> None:
        """Delete a blob and what is derived from it; if there is none, do nothing. Only for
        `store.references`.
        """
        ...

    def kept(self) -> AbstractContextManager[None]:
        """No process removes blobs until the block ends, or this process does."""
        ...

    def removable(self) -> AbstractContextManager[bool]:
        """Whether blobs may be removed in the block. If so, who calls `kept` waits for its end."""
        ...

    def drop(self, held: str) -> None:
        """Delete the bytes held under this name; if there are none, do nothing."""
        ...

    def drop_abandoned(self) -> None:
        """Delete incoming and held bytes that are older than `ABANDONED_S`."""
        ...
