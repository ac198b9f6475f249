"""Decodes photos in other processes, for encoders so fast that the threads of one Python cannot feed them."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import lru_cache
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from models.encoders.decoding import Failure, empty_photos, read_into
from models.encoders.networks import PHOTO_SIZE, Photos
from processes.lifeline import end_with_parent

PHOTOS_A_TASK = 16
SHARED = Path("/dev/shm")

Result = TypeVar("Result")


def read_in_processes(paths: Sequence[Path]) -> Callable[[Photos], list[Failure]]:
    """Start to read the files in other processes.

    The returned function must be called once: it waits for the processes, and then does and raises what
    `decoding.read_into` does. The photos come back in shared memory. Raises OSError if the machine has too
    little of it.
    """
    memory = _shared(len(paths) * PHOTO_SIZE * PHOTO_SIZE * 3)
    parts = [(start, paths[start : start + PHOTOS_A_TASK]) for start in range(0, len(paths), PHOTOS_A_TASK)]
    tasks = [_submitted(_read_shared, memory.name, len(paths), *part) for part in parts]

    def finish(photos: Photos) -> list[Failure]:
        try:
            failures = [failure for task in tasks for failure in task.result()]
            photos[:] = _photos_in(memory, len(paths))
        finally:
            memory.close()
            memory.unlink()
        return failures

    return finish


def _shared(size: int) -> SharedMemory:
    """Shared memory that is already allocated: if /dev/shm ran full during a write, the process would die."""
    memory = SharedMemory(create=True, size=max(1, size))
    try:
        with (SHARED / memory.name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, memory.size)
    except BaseException:
        memory.close()
        memory.unlink()
        raise
    return memory


def _submitted(function: Callable[..., Result], *arguments: Any) -> Future[Result]:
    try:
        return _processes().submit(function, *arguments)
    except BrokenProcessPool:  # one of the processes was killed
        _processes.cache_clear()
        return _processes().submit(function, *arguments)


def _read_shared(name: str, count: int, start: int, paths: Sequence[Path]) -> list[Failure]:
    photos = empty_photos(len(paths))
    failures = read_into(photos, paths)
    memory = SharedMemory(name)
    _photos_in(memory, count)[start : start + len(paths)] = photos
    memory.close()
    return [replace(failure, index=start + failure.index) for failure in failures]


def _photos_in(memory: SharedMemory, count: int) -> Photos:
    return np.ndarray((count, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8, memory.buf)


@lru_cache(maxsize=1)
def _processes() -> ProcessPoolExecutor:
    """One process for each core, while this one lives. They are spawned: a GPU context does not survive a
    fork.
    """
    return ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("spawn"), initializer=_serve
    )


def _serve() -> None:
    """Ignore a ctrl-C at the terminal, which the parent handles, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
