"""The programs that `fewpairs up` runs."""

import os
import sys
from pathlib import Path

import pytest

from fewpairs.embedded import process_manager
from fewpairs.embedded.process_manager import ProcessManager, Program


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
