"""What nobody needs is found and removed, and nothing else."""

import os
import threading
import uuid
from pathlib import Path

import pytest
from sqlalchemy import update

from store.blobs import LocalBlobs
from store.clock import from_now
from store.tables import Job
from tests.worker.factories import Pools, scene
from tests.worker.planted import planted
from worker import garbage
from worker.attempt import Tools
from worker.run import run


@pytest.fixture
def database_url() -> str:
    return ""


def run_directory(tools: Tools, job_id: uuid.UUID) -> Path:
    path = tools.settings.runs_dir / str(job_id)
    for name in ("data", "features", "model", "samples"):
        (path / name).mkdir(parents=True)
        (path / name / "file").write_bytes(b"bytes")
    for name in ("checkpoint.safetensors", "log.txt"):
        (path / name).write_bytes(b"bytes")
    return path


def test_ended_runs_keep_no_second_copy(tools: Tools, pools: Pools) -> None:
    """Logs and samples stay; a failed run keeps all for a week, and one that goes on as long as it does."""
    pool_id = pools.pool()
    old = from_now(-garbage.FAILED_KEPT.total_seconds() - 60)
    states = {"succeeded": None, "failed": from_now(0), "late": old, "running": None}
    paths = {}
    for name, finished_at in states.items():
        job_id = pools.job(pool_id, "train", {})
        with tools.database.write() as session:
            values = {"state": "failed" if name == "late" else name, "finished_at": finished_at}
            session.execute(update(Job).where(Job.id == job_id).values(**values))
        paths[name] = run_directory(tools, job_id)
    stranger = run_directory(tools, uuid.uuid4())

    garbage.remove_copies(tools.settings, tools.database)

    left = {name: sorted(path.name for path in folder.iterdir()) for name, folder in paths.items()}
    assert left["succeeded"] == left["late"] == ["log.txt", "samples"]
    assert len(left["failed"]) == len(left["running"]) == 6
    assert not stranger.exists()


def test_caches_of_what_is_gone_are_removed(tools: Tools, pools: Pools) -> None:
    """Those of running jobs, of models and of pools that are there stay."""
    cache, pool_id = tools.settings.cache_dir, pools.pool()
    working, ended = pools.job(pool_id, "embed", {}, state="running"), pools.job(pool_id, "embed", {})
    folders = {
        cache / f"job-{working.hex}-a": True,
        cache / f"job-{ended.hex}-b": False,
        cache / "job-older": False,
        cache / "vectors" / str(pool_id): True,
        cache / "vectors" / str(uuid.uuid4()): False,
        cache / "models" / str(uuid.uuid4()): False,
    }
    for folder in folders:
        folder.mkdir(parents=True)

    garbage.remove_copies(tools.settings, tools.database)

    assert {folder: folder.exists() for folder in folders} == folders


def test_old_blobs_that_no_row_names_are_removed(
    tools: Tools, pools: Pools, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh one stays, as it may be part of an upload; the command says how much there is."""
    [kept_photo] = [scene(1)[0]]
    pools.photos(pools.pool(), [kept_photo])
    digests = [pools.content(content) for content in (kept_photo, b"cut off", b"arriving")]
    blobs = tools.blobs
    assert isinstance(blobs, LocalBlobs)
    for digest in digests[:2]:
        os.utime(blobs.path(digest), (0, 0))

    garbage.main(tools.settings, remove=False)
    assert "blobs: 1 files" in capsys.readouterr().out
    blobs.require(*digests)
    garbage.main(tools.settings, remove=True)

    assert [blobs.path(digest).exists() for digest in digests] == [True, False, True]


def test_a_result_whose_blob_was_removed_is_made_again(
    tools: Tools, pools: Pools, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If its bytes leave before its rows are written, the job is tried again instead of naming nothing."""
    pool_id = pools.pool()
    planted(pools, pool_id, [[1.0, 0.0], [0.0, 1.0]])
    search = pools.job(pool_id, "search", {"what": "duplicates", "within": 0.0})
    require = tools.blobs.require

    def removed_before(*digests: str) -> None:
        for digest in digests:
            tools.blobs.remove(digest)
        require(*digests)

    monkeypatch.setattr(tools.blobs, "require", removed_before)
    run(search, tools, shutdown)
    assert (pools.get(search).state, (pools.get(search).error or {})["type"]) == ("queued", "blob-missing")
    monkeypatch.undo()
    run(search, tools, shutdown)
    assert pools.get(search).state == "succeeded"
