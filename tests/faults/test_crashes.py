"""A process that is killed at any place keeps what is promised."""

import subprocess
import sys
from pathlib import Path

import pytest

SCENARIOS = ("service", "worker", "training")
CODE = "import sys; from pathlib import Path; from tests.faults.crashes.points import main; "
"""Not -m: decoding processes would import the module that was started, and all that it imports."""


@pytest.mark.parametrize("every", [50, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_place(tmp_path: Path, every: int) -> None:
    """The service, a worker and a training lose nothing, do nothing twice and leave no fault, wherever they
    are killed.
    """
    command = [sys.executable, "-c", f"{CODE}main(Path(sys.argv[1]), {every})", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    for scenario in SCENARIOS:
        found = [line for line in done.stdout.splitlines() if line.startswith(f"{scenario}: ")]
        assert len(found) >= 30 / every
