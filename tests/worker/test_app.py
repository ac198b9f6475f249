import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.app import queue_list


def worker(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"FEWPAIRS_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_worker_does_not_start_on_a_database_that_was_not_migrated(tmp_path: Path) -> None:
    """It exits with 1 and one sentence that says what to run, not with a traceback."""
    done = worker(tmp_path)

    assert done.returncode == 1
    assert "fewpairs migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_queue_is_refused(tmp_path: Path) -> None:
    """`--queues` takes the names of queues only."""
    assert queue_list("cpu,gpu") == ["cpu", "gpu"]
    with pytest.raises(ValueError, match="there is no queue 'tpu'"):
        queue_list("cpu,tpu")
