"""What a process does to itself before it decodes what users send: bounded memory, bounded time."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TypeVar

from service.decoding import validation

MOST_CPU_S = 60
BASE_BYTES = 512 * 1024 * 1024
BYTES_PER_PIXEL = 24
"""A decoded pixel has 4 bytes; decoders and conversions hold a few copies."""

T = TypeVar("T")


def confine(pixels: int) -> None:
    """Make this process fit for files of at most so many pixels, and for nothing larger."""
    most = BASE_BYTES + BYTES_PER_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    validation.limit_pixels(pixels)


def _end_with_parent() -> None:
    """A killed service cannot end its processes, so they end themselves."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def bounded(function: Callable[..., T], *arguments: object) -> T:
    """Call the function; the kernel ends this process when it computes for longer than MOST_CPU_S."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + MOST_CPU_S, hard))
    return function(*arguments)
