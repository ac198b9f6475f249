"""Limits that a decoding process sets for itself before it reads files from users: memory and time."""

import resource
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from processes.lifeline import end_with_parent
from service.decoding import validation

MOST_CPU_S = 60
BASE_BYTES = 512 * 1024 * 1024
BYTES_PER_PIXEL = 24
"""A decoded pixel has 4 bytes; decoders and conversions keep a few copies."""

T = TypeVar("T")


def confine(pixels: int) -> None:
    """Limit this process to what files of at most `pixels` pixels need."""
    most = BASE_BYTES + BYTES_PER_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    validation.limit_pixels(pixels)


def bounded(function: Callable[..., T], *arguments: object) -> T:
    """Call the function; the kernel ends this process if that takes more than MOST_CPU_S of CPU time."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + MOST_CPU_S, hard))
    return function(*arguments)
