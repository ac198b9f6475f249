"""Limits that a process sets for itself."""

import resource
import signal
import time


def allow_open_files() -> None:
    """Let this process have as many open files and connections as it may; many systems begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def limit_memory(most_bytes: int) -> None:
    """Let this process have at most so many bytes of memory, and leave no core file."""
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu(seconds: int) -> None:
    """Let the kernel end this process after so many more seconds of CPU time."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds, hard))


def limit_time(cpu_s: float, wall_s: float) -> None:
    """Let the kernel end this process after so many more seconds of CPU time, or on the clock; 0: never.

    It replaces what an earlier call has set. Call it in the main thread.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)
