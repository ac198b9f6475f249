"""The supervisor with small scripts instead of a training; test_train.py runs real trainings."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from models.training.run_directory import RunDirectory
from store import job_parts, jobs
from store.tables import Job
from tests.processes import until
from tests.worker.factories import Pools
from worker.attempt import Attempt, Tools
from worker.lease import Lease
from worker.outcomes import Mishap, Permanent, ShutDown
from worker.training.relay import TAIL_BYTES
from worker.training.supervisor import supervise


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
    """If the process fails, the mishap quotes its last lines, and no line of an earlier attempt."""
    (run.path / "log.txt").write_text("from the attempt before\n")
    with pytest.raises(Mishap) as caught:
        supervise(attempt, run, script(run, "print('a'); sys.exit('out of memory')"))

    assert caught.value.type == "process-died"
    assert caught.value.detail.splitlines() == [
        "The training process ended with exit code 1.",
        *("a", "out of memory"),
    ]


def test_an_error_file_fails_the_job_for_good(attempt: Attempt, run: RunDirectory) -> None:
    """The error that the process writes to its error file becomes the job's error, word for word."""
    write = 'open(run + \'/error.json\', \'w\').write(\'{"type": "training-diverged", "detail": "NaN"}\')'
    with pytest.raises(Permanent) as caught:
        supervise(attempt, run, script(run, f"{write}; sys.exit(1)"))

    assert (caught.value.type, caught.value.detail) == ("training-diverged", "NaN")


def test_an_error_file_of_an_earlier_attempt_does_not_count(attempt: Attempt, run: RunDirectory) -> None:
    """A process that ends well has no error, even if an earlier one left an error file behind."""
    (run.path / "error.json").write_text('{"type": "old", "detail": "old"}')

    supervise(attempt, run, script(run, "pass"))


def test_a_process_that_ignores_term_is_killed(
    attempt: Attempt, run: RunDirectory, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KILL follows TERM after a grace period; when `supervise` returns, the process has ended."""
    monkeypatch.setattr("worker.training.supervisor.GRACE_S", 0.2)
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


def test_the_estimate_is_recorded_as_soon_as_it_is_whole(
    attempt: Attempt, run: RunDirectory, pools: Pools
) -> None:
    """It is recorded while the training goes on, but not before its file is complete."""
    # The supervisor writes to the training's input after each look at its files.
    half, rest = '{"memory_bytes": 7, "seconds": 1.5, ', '"steps_per_second": 4.0}'
    code = f"""
import os, pathlib, time
file = pathlib.Path(run, "estimate.json")
os.read(0, 4096)
file.write_text({half!r})
os.read(0, 1), os.read(0, 1)
file.write_text({half + rest!r})
while not pathlib.Path(run, "seen").exists():
    time.sleep(0.05)
"""
    job_id = attempt.claim.job_id

    def end_when_it_is_recorded() -> None:
        until(lambda: pools.get(job_id).estimate, "the estimate")
        (run.path / "seen").touch()

    watcher = threading.Thread(target=end_when_it_is_recorded)
    watcher.start()
    supervise(attempt, run, script(run, code))
    watcher.join()

    assert pools.get(job_id).estimate == {"memory_bytes": 7, "seconds": 1.5, "steps_per_second": 4.0}


def test_an_estimate_of_a_lost_job_is_not_recorded(attempt: Attempt, run: RunDirectory, pools: Pools) -> None:
    """Only the running attempt may record what the job needs."""
    with pools.tools.database.write() as session:
        session.execute(update(Job).where(Job.id == attempt.claim.job_id).values(attempt=2))
    (run.path / "estimate.json").write_text('{"seconds": 1.5}')

    with pytest.raises(jobs.LeaseLost):
        supervise(attempt, run, script(run, "import time; time.sleep(60)"))

    assert pools.get(attempt.claim.job_id).estimate is None


def test_lines_written_just_before_the_end_are_relayed(
    attempt: Attempt, run: RunDirectory, pools: Pools
) -> None:
    """The relay looks once more after the process has ended, and skips a line that was cut off."""
    lines = '{"step": 10, "total": 20, "loss": 1.5}\\n{"step": 20, "total": 20, "loss": 0.5}\\n{"st'
    supervise(attempt, run, script(run, f"open(run + '/metrics.jsonl', 'w').write('{lines}')"))

    job = pools.get(attempt.claim.job_id)
    assert (job.done, job.total) == (20, 20)
    with pools.tools.database.read() as session:
        recorded = job_parts.metrics(session, job.id, after=-1, limit=10)
    assert [line["loss"] for line in recorded] == [1.5, 0.5]


def test_samples_and_the_end_of_the_log_are_kept(attempt: Attempt, run: RunDirectory, pools: Pools) -> None:
    """Sheets are blobs under their steps; the log has what an earlier attempt printed too, and of a long one
    the end.
    """
    run.log.write_text("from the attempt before\n")
    draw = "import os; os.mkdir(run + '/samples'); open(run + '/samples/step-5.png', 'w').write('picture')"
    supervise(attempt, run, script(run, f"{draw}; print('now\\0')"))

    with pools.tools.database.read() as session:
        [sheet] = job_parts.samples(session, attempt.claim.job_id, after=-1, limit=10)
        assert job_parts.log(session, attempt.claim.job_id) == "from the attempt before\nnow\n"
    with pools.tools.blobs.open(sheet.sha256) as file:
        assert (sheet.step, file.read()) == (5, b"picture")

    supervise(attempt, run, script(run, f"print('x' * {TAIL_BYTES})"))
    with pools.tools.database.read() as session:
        assert job_parts.log(session, attempt.claim.job_id) == "x" * (TAIL_BYTES - 1) + "\n"
