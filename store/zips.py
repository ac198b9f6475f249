"""Write a zip into incoming bytes, which cannot be sought."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from store.blobs import Incoming


class _Sink:
    """What zipfile needs of a file that it only writes to."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    def write(self, data: bytes, /) -> int:
        self._incoming.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        self._incoming.flush()

    def close(self) -> None:
        self._incoming.flush()


@contextmanager
def zipped(incoming: Incoming) -> Iterator[zipfile.ZipFile]:
    """A zip to write files to, one after the other; it is complete at the end of the block."""
    with zipfile.ZipFile(_Sink(incoming), "w") as archive:
        yield archive
