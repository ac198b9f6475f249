"""Child processes that cannot outlive their parent."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    environment: dict[str, str],
    output: int,
    on_parents_death: signal.Signals = signal.SIGKILL,
) -> "subprocess.Popen[bytes]":
    """Start a command in its own session, so that a ctrl-C at the terminal reaches only its parent.

    On Linux the kernel sends it `on_parents_death` when the thread that called this ends, however that comes
    about; so call it from the main thread. `output` takes stdout and stderr.
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
