"""Runs a few programs from one thread: shows their output, restarts them after a crash, stops them all."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from processes.lifeline import spawn

TICK_S = 0.2
GRACE_S, PATIENCE_S = 15.0, 3.0
"""How long a program may take to end, and after what time it is said that it takes long."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 30.0
"""After this time without a crash, earlier crashes of a program no longer count."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_LINE = 64 * 1024
LARGEST_LOG = 16 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    environment: dict[str, str]
    logs_only: bool = False
    """Whether the output goes only to the log file and is not shown."""


class Child:
    """One program with all its restarts. Its output goes line by line to `show`, and to `logs/<name>.log`,
    which becomes `<name>.log.1`, in place of an earlier one, when it is large.
    """

    def __init__(self, program: Program, logs: Path, show: Callable[[str, str], None]) -> None:
        self.program = program
        self._show = show
        self._path = logs / f"{program.name}.log"
        self._log = self._path.open("ab")
        self._unfinished = b""
        self.crashes = 0
        self.start()

    def start(self) -> None:
        reader, writer = os.pipe()
        try:
            self.process = spawn(self.program.command, environment=self.program.environment, output=writer)
        finally:
            os.close(writer)
        os.set_blocking(reader, False)
        self.output: int | None = reader
        self.started_at = time.monotonic()
        self.restart_at: float | None = None

    def read(self) -> None:
        """Pass on what the program has written; `output` becomes None at its end."""
        while self.output is not None:
            try:
                data = os.read(self.output, LONGEST_LINE)
            except BlockingIOError:
                return
            self._log.write(data)
            self._log.flush()
            if self._log.tell() > LARGEST_LOG:
                self._log.close()
                self._path.rename(self._path.with_suffix(".log.1"))
                self._log = self._path.open("ab")
            *lines, self._unfinished = (self._unfinished + data).split(b"\n")
            if not data or len(self._unfinished) > LONGEST_LINE:
                lines, self._unfinished = [*lines, self._unfinished], b""
            for line in lines:
                if line.strip() and not self.program.logs_only:
                    self._show(self.program.name, line.decode(errors="replace").rstrip())
            if not data:
                self.close_output()

    def say(self, sentence: str) -> None:
        """Add a line of our own to the program's output."""
        self._log.write(f"{sentence}\n".encode())
        self._show(self.program.name, sentence)

    def close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None

    def close(self) -> None:
        self.close_output()
        self._log.close()


class ProcessManager:
    """`with ProcessManager(…) as manager:` stops all programs at the end of the block, the newest first."""

    def __init__(self, logs: Path, show: Callable[[str, str], None]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._show = show
        self.children: list[Child] = []
        self.told_to_stop = 0

    def __enter__(self) -> "ProcessManager":
        self._handlers = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.told_to_stop += 1

    def start(self, program: Program) -> None:
        self.children.append(Child(program, self._logs, self._show))

    def run(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Run the programs until the condition holds (then True) or a stop signal comes (then False)."""
        while not self.told_to_stop:
            self._tick(restart=True)
            if until():
                return True
        return False

    def _tick(self, restart: bool) -> None:
        with _readable(self.children) as ready:
            for child in ready:
                child.read()
        for child in self.children if restart else ():
            if child.restart_at is None and child.process.poll() is not None:
                self._note_crash(child)
            elif child.restart_at is not None and time.monotonic() >= child.restart_at:
                child.start()

    def _note_crash(self, child: Child) -> None:
        _kill_group(child.process)
        child.read()
        child.close_output()
        is_new_trouble = time.monotonic() - child.started_at > STEADY_S
        child.crashes = 1 if is_new_trouble else child.crashes + 1
        pause = min(FIRST_PAUSE_S * 2.0 ** (child.crashes - 1), LONGEST_PAUSE_S)
        child.restart_at = time.monotonic() + pause
        child.say(f"{_how_it_ended(child.process)}; starting it again in {pause:g} s")

    def _stop(self) -> None:
        """End all programs together; only then the one that was started first, which the others may need."""
        self.told_to_stop = max(self.told_to_stop, 1)
        self._end(self.children[1:])
        self._end(self.children[:1])

    def _end(self, children: Sequence[Child]) -> None:
        """Send TERM, and KILL after GRACE_S, or as soon as a second signal has come."""
        began = time.monotonic()
        for child in children:
            if child.process.poll() is None:
                child.process.terminate()
        told = False
        while (left := [c for c in children if c.process.poll() is None]) and (
            self.told_to_stop < 2 and time.monotonic() < began + GRACE_S
        ):
            if not told and time.monotonic() > began + PATIENCE_S:
                told = True
                for child in left:
                    child.say("finishes what it is at; Ctrl-C again ends it at once")
            self._tick(restart=False)
        for child in children:
            _kill_group(child.process)
            child.process.wait()
            child.read()
            child.close()


@contextmanager
def _readable(children: Sequence[Child]) -> Iterator[list[Child]]:
    """The children that have written something; waits at most TICK_S for them."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            if child.output is not None:
                selector.register(child.output, selectors.EVENT_READ, child)
        yield [key.data for key, _ in selector.select(TICK_S)]


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and everything that it has left in its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _how_it_ended(process: "subprocess.Popen[bytes]") -> str:
    code = process.returncode
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
