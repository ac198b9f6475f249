"""An archive from a user, which is read in a process with limited memory and time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from folders.archives import Entry
from service.decoding import archives, deadline
from service.decoding.archives import Limits
from service.decoding.process import DecodingProcess, Ended
from service.decoding.queue import Turns
from service.http.problems import ArchiveBomb

T = TypeVar("T")


class ArchiveReader:
    """Lists the files of a zip, tar or tar.gz, and reads them. Nothing of it is read in this process."""

    members: list[Entry]
    """Every file, in archive order."""

    def __init__(
        self, process: DecodingProcess, turns: Turns, path: Path, unpacked: Path, limits: Limits
    ) -> None:
        """A .tar.gz is unpacked to the file `unpacked`. Raises ArchiveBomb or ArchiveUnreadable."""
        self._process, self._turns = process, turns
        self._has_ended = False
        longest = deadline.of_bytes(archives.largest_unpacked(path, limits))
        if self._run(longest, archives.gunzip, str(path), str(unpacked), limits):
            path = unpacked
        self.members = self._run(deadline.LISTING_S, archives.members, str(path), limits)

    def content(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a file, in pieces. Raises ArchiveBomb or ArchiveUnreadable."""
        while piece := self._run(deadline.LEAST_S, archives.piece, entry):
            yield piece

    def _run(self, cpu_s: float, function: Callable[..., T], *arguments: object) -> T:
        with self._turns.turn():
            try:
                if not self._has_ended:
                    return self._process.run(deadline.on_the_clock(cpu_s), function, *arguments)[0]
            except Ended:
                self._has_ended = True
        raise ArchiveBomb(
            "Reading the archive takes too much memory or time: create it again, without compression."
        )
