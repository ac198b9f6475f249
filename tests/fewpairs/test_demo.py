"""The demo's processes. `make demo` runs the whole demo and shows what it prints at the end."""

import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests import drawings
from tests.fewpairs.test_up import gone
from tests.processes import processes, until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """If the demo is stopped or killed, its service ends too, with every process that it has started."""
    drawings.write(tmp_path / "own", range(16))
    (tmp_path / "own" / "classes.json").write_text(json.dumps(drawings.CLASS_TABLE))
    command = [
        sys.executable,
        "-m",
        "fewpairs",
        "demo",
        str(tmp_path / "own"),
        "--folder",
        str(tmp_path / "demo"),
    ]
    with processes([(command, {"OMP_NUM_THREADS": "1"})], tmp_path / "log") as [demo]:
        log = tmp_path / "log" / "0.log"
        until(lambda: "unpaired label maps" in log.read_text() or demo.poll() is not None, "a filled pool")
        everything = psutil.Process(demo.pid).children(recursive=True)
        assert len(everything) >= 5, log.read_text()
        demo.send_signal(number)
        demo.wait(60)
        until(lambda: gone(everything), "no process is left")
    assert "Traceback" not in log.read_text()
