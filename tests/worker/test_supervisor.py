"""The supervisor with small scripts in the place of a training; test_training.py has the real one."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.training.run_directory import RunDirectory
from store import jobs
from tests.processes import until
from tests.worker.factories import Pools
from worker.attempt import Attempt, Tools
from worker.endings import Mishap, Permanent, ShutDown
from worker.lease import Lease
from worker.supervisor import supervise


@pytest.fixture
def database_url() -> str:
    return ""


@pytest.fixture
def shutdown() -> threading.Event:
    return threading.Event()


@pytest.fixture
def attempt(tools: Tools, pools: Pools, shutdown: threading.Event) -> Iterator[Attempt]:
    job_id = pools.job(pools.pool(), "train", {})
    with tools.database.write() as session:
        claim = jobs.claim(session, job_id, worker="me", lease_s=60)
    assert claim
    with Lease(tools.database, claim, lease_s=60, since=time.monotonic(), shutdown=shutdown) as lease:
        yield Attempt(claim, tools, lease)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "run"
    path.mkdir()
    return RunDirectory(path)


def script(run: RunDirectory, code: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; run = {str(run.path)!r}\n{code}"]


def test_a_crash_brings_the_last_lines_of_the_log(attempt: Attempt, run: RunDirectory) -> None:
    """A process that ends with a code is a mishap, told with what it wrote last and not what came before."""
    (run.path / "log.txt").write_text("from the attempt before\n")
    with pytest.raises(Mishap) as caught:
        supervise(attempt, run, script(run, "print('a'); sys.exit('out of memory')"))

    assert caught.value.type == "process-died"
    assert caught.value.detail.splitlines() == [
        "The training process ended with exit code 1.",
        *("a", "out of memory"),
    ]


def test_an_error_file_fails_the_job_for_good(attempt: Attempt, run: RunDirectory) -> None:
    """What the process says no other attempt would mend becomes the job's error, word for word."""
    write = 'open(run + \'/error.json\', \'w\').write(\'{"type": "training-diverged", "detail": "NaN"}\')'
    with pytest.raises(Permanent) as caught:
        supervise(attempt, run, script(run, f"{write}; sys.exit(1)"))

    assert (caught.value.type, caught.value.detail) == ("training-diverged", "NaN")


def test_an_error_file_of_an_earlier_attempt_does_not_count(attempt: Attempt, run: RunDirectory) -> None:
    """A process that ends well has no error, whatever an earlier one left behind."""
    (run.path / "error.json").write_text('{"type": "old", "detail": "old"}')

    supervise(attempt, run, script(run, "pass"))


def test_a_process_that_ignores_term_is_killed(
    attempt: Attempt, run: RunDirectory, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After TERM and a grace comes KILL; when `supervise` returns, the process has ended."""
    monkeypatch.setattr("worker.supervisor.GRACE_S", 0.2)
    ignore = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    note = "open(run + '/pid', 'w').write(str(os.getpid()) + '\\n')"

    def shut_down_when_it_runs() -> None:
        until((run.path / "pid").exists, "the process's note")
        shutdown.set()

    threading.Thread(target=shut_down_when_it_runs).start()
    with pytest.raises(ShutDown):
        supervise(attempt, run, script(run, f"{ignore}; {note}; time.sleep(60)"))

    pid = (run.path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_lines_written_just_before_the_end_are_relayed(
    attempt: Attempt, run: RunDirectory, pools: Pools
) -> None:
    """The relay looks once more after the process has ended, and skips a line that was cut off."""
    lines = '{"step": 10, "total": 20, "loss": 1.5}\\n{"step": 20, "total": 20, "loss": 0.5}\\n{"st'
    supervise(attempt, run, script(run, f"open(run + '/metrics.jsonl', 'w').write('{lines}')"))

    job = pools.get(attempt.claim.job_id)
    assert (job.done, job.total) == (20, 20)
    with pools.tools.database.read() as session:
        recorded = jobs.metrics(session, job.id, after=-1, limit=10)
    assert [line["loss"] for line in recorded] == [1.5, 0.5]
