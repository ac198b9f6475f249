"""Ends a process when its parent has ended, in whatever way, so that none goes on alone."""

import ctypes
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """End this process, which `multiprocessing` started, as soon as its parent has ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    _end_at_the_end_of(parent.sentinel)


def end_with_stdin(silence_s: float | None = None) -> None:
    """End this process as soon as its standard input does, a pipe whose other end only its parent holds.

    With `silence_s` it also ends when the parent has written nothing for so many seconds, because it is
    stopped. The process group ends too if this process leads it.
    """
    _end_at_the_end_of(sys.stdin.fileno(), silence_s)


def _end_at_the_end_of(pipe: int, silence_s: float | None = None) -> None:
    def follow() -> None:
        while select.select([pipe], [], [], silence_s)[0] and os.read(pipe, 4096):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def spawn(
    command: Sequence[str],
    *,
    environment: dict[str, str],
    output: int,
    on_parents_death: signal.Signals = signal.SIGKILL,
) -> "subprocess.Popen[bytes]":
    """Start any command, in a session of its own, so that a ctrl-C at the terminal reaches only its parent.

    On Linux the kernel sends it `on_parents_death` when the thread that called this function ends, so call it
    from the main thread. `output` takes stdout and stderr.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def before_exec() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(on_parents_death))
            if os.getppid() != parent:  # it died before the kernel was told
                os._exit(1)

    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=before_exec,
    )
