"""Watches a training subprocess: relays its metrics, and ends it when the attempt has to end."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from models.training.run_directory import RunDirectory
from worker.attempt import Attempt
from worker.outcomes import Mishap, Permanent
from worker.training.process import ERROR_FILE
from worker.training.relay import Relay

TICK_S = 0.5
GRACE_S = 5.0
LAST_LINES = 8


def supervise(attempt: Attempt, run: RunDirectory, command: Sequence[str]) -> None:
    """Run the command, which trains in the run directory, to its end, or until the user asks to finish. Its
    output goes to `log.txt`.

    Raises Permanent for what it says in its error file, Mishap when it was killed or crashed, and whatever
    `lease.check` raises; then the process has ended.
    """
    error_file, log = run.path / ERROR_FILE, run.log
    error_file.unlink(missing_ok=True)
    with log.open("ab") as output:
        logged = output.tell()
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
    try:
        relay = Relay(attempt, run)
        while child.poll() is None:
            attempt.lease.check()
            if attempt.lease.asks_to_finish:
                run.ask_to_finish()
            relay()
            _reassure(child)
            with suppress(subprocess.TimeoutExpired):
                child.wait(TICK_S)
        relay()
    finally:
        _stop(child)
    if error_file.exists():
        raise Permanent(**json.loads(error_file.read_text(encoding="utf-8")))
    if child.returncode != 0:
        with log.open("rb") as file:
            file.seek(logged)
            lines = file.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        raise Mishap("process-died", "\n".join([_how_it_died(child.returncode), *lines]))


def _reassure(child: "subprocess.Popen[bytes]") -> None:
    """Tell the training that its worker is alive and holds the lease."""
    assert child.stdin is not None
    os.set_blocking(child.stdin.fileno(), False)  # a child that is stopped reads nothing
    with suppress(BrokenPipeError, BlockingIOError):
        os.write(child.stdin.fileno(), b".")


def _stop(child: "subprocess.Popen[bytes]") -> None:
    for ask in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, ask)
            with suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_S)
    assert child.stdin is not None
    child.stdin.close()


def _how_it_died(code: int) -> str:
    if code < 0:
        return f"The training process was killed by {signal.Signals(-code).name}."
    return f"The training process ended with exit code {code}."
