"""The programs that `fewpairs up` runs."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fewpairs.embedded import process_manager
from fewpairs.embedded.process_manager import ProcessManager, Program

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    "time.sleep(600)"
)


def test_a_large_log_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much a program writes, two log files stay, with its last lines."""
    monkeypatch.setattr(process_manager, "LARGEST_LOG", 100_000)
    monkeypatch.setattr(process_manager, "LONGEST_LINE", 10_000)
    script = "for number in range(100_000): print(number)"
    lines: list[str] = []
    with ProcessManager(tmp_path, lambda name, line: lines.append(line)) as manager:
        manager.start(Program("talker", [sys.executable, "-u", "-c", script], dict(os.environ)))
        manager.run(until=lambda: bool(lines) and lines[-1] == "99999")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talker.log", "talker.log.1"]
    assert all(path.stat().st_size <= 110_000 for path in tmp_path.iterdir())
    both = (tmp_path / "talker.log.1").read_text() + (tmp_path / "talker.log").read_text()
    last = [line for line in both.splitlines() if line.isdigit()]
    assert last[-1000:] == [str(number) for number in range(99_000, 100_000)]


def test_what_does_not_end_is_named_and_a_second_signal_ends_it(tmp_path: Path) -> None:
    """All programs are told to end before any of them is waited for; who waits sees for what."""
    lines: list[tuple[str, str]] = []

    def show(name: str, line: str) -> None:
        lines.append((name, line))
        if line.startswith("finishes"):
            os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    with ProcessManager(tmp_path, show) as manager:
        for name in ("first", "second", "third"):
            manager.start(Program(name, [sys.executable, "-u", "-c", STUBBORN], dict(os.environ)))
        manager.run(until=lambda: len(lines) == 3)
        os.kill(os.getpid(), signal.SIGINT)
        manager.run()
    told = [name for name, line in lines if "Ctrl-C again" in line]
    assert told == ["second", "third"]
    assert time.monotonic() - began < process_manager.GRACE_S
    assert all(child.process.returncode == -signal.SIGKILL for child in manager.children)
