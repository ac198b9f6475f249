"""Decode files from users in processes with limited memory and time, so that no file can stop the service."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Set
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from folders.archives import Entry
from service.decoding import archives, confined, label_maps, validation
from service.decoding.classes import Classes
from service.decoding.label_maps import CheckedLabelMap, Positions
from service.decoding.mistaken import NO_NUMBERS
from service.decoding.validation import Checked
from service.http.limits import how_to_raise
from service.http.problems import TooManyPixels, UndecodableImage
from store.settings import Settings

T = TypeVar("T")


class Decoders:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([confined.__name__, archives.__name__, label_maps.__name__])
        self._lock = threading.Lock()
        self._pool = self._new_pool(min(4, os.cpu_count() or 1))

    def photo(self, path: Path, numbers: Set[int] = NO_NUMBERS) -> Checked:
        """Check a photo, and that it is no label map of these numbers of classes.

        This and the other methods raise a Problem if the file is refused.
        """
        return self._run(validation.photo, str(path), numbers)

    def label_map(
        self, path: Path, classes: Classes | None, size: tuple[int, int] | None = None
    ) -> CheckedLabelMap:
        """Read a label map; `classes` is None in a pool without classes."""
        return self._run(label_maps.label_map, str(path), classes, size)

    def positions(self, path: Path, classes: int, ignore: int) -> Positions:
        """Check a label map that counts already."""
        return self._run(label_maps.positions, str(path), classes, ignore)

    def image(self, path: Path) -> Checked:
        """Check that a file is an image of a known format."""
        return self._run(validation.image, str(path))

    def thumbnail(self, path: Path, side: int) -> bytes:
        return self._run(validation.thumbnail, str(path), side)

    def members(self, path: Path) -> list[Entry]:
        """The files of a zip or tar. Refuses an archive that unpacks to more than the settings allow."""
        limits = archives.Limits.of(self._settings)
        return self._run(archives.members, str(path), limits)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return self._confined(function, *arguments)
        except TooManyPixels as problem:
            advice = how_to_raise(self._settings, "max_image_pixels")
            raise TooManyPixels(f"{problem.detail.removesuffix('.')}{advice}.") from None

    def _confined(self, function: Callable[..., T], *arguments: object) -> T:
        pool = self._pool
        try:
            return pool.submit(confined.bounded, function, *arguments).result()
        except BrokenExecutor:
            self._replace(pool)
        # Another file may have broken the shared pool. Decoded alone, this file shows whether it is to blame.
        with self._new_pool(1) as alone:
            try:
                return alone.submit(confined.bounded, function, *arguments).result()
            except BrokenExecutor:
                raise UndecodableImage(
                    "Decoding the file takes too much memory or time: save it again, for example as PNG."
                ) from None

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = self._new_pool(min(4, os.cpu_count() or 1))
        broken.shutdown(wait=False)

    def _new_pool(self, size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, self._context, confined.confine, (self._settings.max_image_pixels,))
