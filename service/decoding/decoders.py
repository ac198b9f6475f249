"""Decode files from users in processes with limited memory and time, so that no file can stop the service."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from service.decoding import archives, confined, deadline, label_maps, validation
from service.decoding.archive_reader import ArchiveReader
from service.decoding.archives import Limits
from service.decoding.budget import Budget
from service.decoding.classes import Classes
from service.decoding.label_maps import CheckedLabelMap, Positions
from service.decoding.mistaken import NO_VALUES, Value
from service.decoding.process import DecodingProcess, Ended
from service.decoding.queue import Queue, Turns
from service.decoding.validation import Checked
from service.http.limits import how_to_raise
from service.http.problems import TooManyPixels, Unavailable, UndecodableImage
from store.blobs import Blobs
from store.settings import Settings

T = TypeVar("T")

MOST_ARCHIVES = 16
"""Archives that are read at the same time, each in a process of its own."""
TOO_MUCH = "Decoding the file takes too much memory or time: save it again, for example as PNG."


class Decoders:
    """Call the methods in threads of `queue`: they wait for a turn at a process, and for its answer."""

    def __init__(self, settings: Settings) -> None:
        self.queue = Queue()
        self._settings = settings
        self._turns = Turns()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([confined.__name__, archives.__name__, label_maps.__name__])
        self._processes: set[DecodingProcess] = set()
        self._idle: list[DecodingProcess] = []
        self._archives = threading.Semaphore(MOST_ARCHIVES)

    def photo(self, path: Path, values: Set[Value] = NO_VALUES, budget: Budget | None = None) -> Checked:
        """Check a photo, and that it is no label map of these numbers or colours of classes.

        This and the other methods raise a Problem if the file is refused.
        """
        return self._run(validation.photo, str(path), values, budget=budget)

    def label_map(
        self,
        path: Path,
        classes: Classes | None,
        size: tuple[int, int] | None = None,
        may_be_empty: bool = False,
    ) -> CheckedLabelMap:
        """Read a label map; `classes` is None in a pool without classes."""
        return self._run(label_maps.label_map, str(path), classes, size, may_be_empty)

    def positions(self, path: Path, classes: int, ignore: int) -> Positions:
        """Check a label map that counts already."""
        return self._run(label_maps.positions, str(path), classes, ignore)

    def image(self, path: Path) -> Checked:
        """Check that a file is an image of a known format."""
        return self._run(validation.image, str(path))

    def thumbnail(self, path: Path, side: int) -> bytes:
        return self._run(validation.thumbnail, str(path), side)

    def colored(self, path: Path, side: int, colors: bytes | None) -> bytes:
        """A small PNG of a label map; `colors` as for `validation.colored`."""
        return self._run(validation.colored, str(path), side, colors)

    @contextmanager
    def archive(self, path: Path, blobs: Blobs) -> Iterator[ArchiveReader]:
        """Open a zip, tar or tar.gz in a process of its own; see ArchiveReader."""
        if not self._archives.acquire(blocking=False):
            raise Unavailable(
                f"{MOST_ARCHIVES} archives are being read, which is all that may: send this one again later."
            ).with_headers(Retry_After="60")
        process = self._new()
        try:
            with blobs.incoming() as unpacked:
                yield ArchiveReader(process, self._turns, path, unpacked.path, Limits.of(self._settings))
        finally:
            process.end()
            self._processes.discard(process)
            self._archives.release()

    def close(self) -> None:
        """End all processes; who waits for one gets Unavailable."""
        self._turns.close()
        for process in list(self._processes):
            process.end()

    def _run(self, function: Callable[..., T], *arguments: object, budget: Budget | None = None) -> T:
        try:
            return self._confined(function, arguments, budget)
        except TooManyPixels as problem:
            advice = how_to_raise(self._settings, "max_image_pixels")
            raise TooManyPixels(f"{problem.detail.removesuffix('.')}{advice}.") from None
        except MemoryError:
            raise UndecodableImage(TOO_MUCH) from None

    def _confined(
        self, function: Callable[..., T], arguments: tuple[object, ...], budget: Budget | None
    ) -> T:
        longest = deadline.on_the_clock(deadline.of_image(self._settings.max_image_pixels))
        with self._turns.turn(), self._process() as process:
            try:
                answer, seconds = process.run(longest, function, *arguments)
            except Ended as ended:
                if budget:
                    budget.spend(ended.seconds)
                raise UndecodableImage(TOO_MUCH) from None
            if budget:
                budget.spend(seconds)
            return answer

    @contextmanager
    def _process(self) -> Iterator[DecodingProcess]:
        """A process for one file. It is used again if the file has not ended it."""
        process = None
        with suppress(IndexError):
            process = self._idle.pop()
        if process is None or not process.is_alive:
            process = self._new()
        try:
            yield process
        finally:
            if process.is_alive:
                self._idle.append(process)
            else:
                self._processes.discard(process)

    def _new(self) -> DecodingProcess:
        process = DecodingProcess(self._context, self._settings.max_image_pixels)
        self._processes.add(process)
        return process
