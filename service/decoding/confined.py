"""Limits that a decoding process sets for itself before it reads files from users: memory and time."""

import signal
from collections.abc import Callable
from typing import TypeVar

from processes.lifeline import end_with_parent
from processes.limits import limit_cpu, limit_memory
from service.decoding import validation

MOST_CPU_S = 60
BASE_BYTES = 512 * 1024 * 1024
BYTES_PER_PIXEL = 24
"""A decoded pixel has 4 bytes; decoders and conversions keep a few copies."""

T = TypeVar("T")


def confine(pixels: int) -> None:
    """Limit this process to what files of at most `pixels` pixels need."""
    limit_memory(BASE_BYTES + BYTES_PER_PIXEL * pixels)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    validation.limit_pixels(pixels)


def bounded(function: Callable[..., T], *arguments: object) -> T:
    """Call the function; the kernel ends this process if that takes more than MOST_CPU_S of CPU time."""
    limit_cpu(MOST_CPU_S)
    return function(*arguments)
