"""A process that is killed at any place keeps what is promised."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = "import sys; from pathlib import Path; from tests.faults.crashes.points import main; "
"""Not -m: decoding processes would import the module that was started, and all that it imports."""


@pytest.mark.parametrize(
    ("every", "scenarios"),
    [
        (50, ("service", "worker")),
        pytest.param(1, ("service", "worker", "training"), marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_place(tmp_path: Path, every: int, scenarios: tuple[str, ...]) -> None:
    """The service, a worker and a training lose nothing, do nothing twice and leave no fault, wherever they
    are killed.
    """
    code = f"{CODE}main(Path(sys.argv[1]), {every}, *sys.argv[2:])"
    command = [sys.executable, "-c", code, str(tmp_path), *scenarios]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    for scenario in scenarios:
        found = [line for line in done.stdout.splitlines() if line.startswith(f"{scenario}: ")]
        assert len(found) >= 20 // every + 1
