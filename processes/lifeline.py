"""Ends a process as soon as its parent has ended, so that no child goes on alone, even after a kill -9."""

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

    With `silence_s` it also ends if the parent has written nothing for that many seconds, for example because
    it is stopped. If this process leads a process group, the whole group ends.
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
    """Start a command in a session of its own, so that a ctrl-C at the terminal reaches only its parent.

    On Linux the kernel sends it the signal `on_parents_death` when the thread that called this function ends,
    so call it from the main thread. The command writes stdout and stderr to the file descriptor `output`.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def before_exec() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(on_parents_death))
            if os.getppid() != parent:  # the parent died before the call to prctl
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
