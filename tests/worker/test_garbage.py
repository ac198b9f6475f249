"""What nobody needs is found and removed, and nothing else."""

import os
import threading
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, update

from store.blobs import BlobMissing, LocalBlobs
from store.clock import from_now
from store.tables import Job, JobMetric
from tests.worker.factories import Pools, scene
from tests.worker.planted import planted
from worker import garbage
from worker.attempt import Tools
from worker.run import run
from worker.upkeep import leftovers
from worker.upkeep.janitor import tidy

QUESTION = {"strategy": "random", "seed": 1, "budget": 1, "test_distance": "off", "count_copies": True}


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
    old = from_now(-leftovers.FAILED_KEPT.total_seconds() - 60)
    states = {"succeeded": None, "failed": from_now(0), "late": old, "running": None}
    paths = {}
    for name, finished_at in states.items():
        job_id = pools.job(pool_id, "train", {})
        with tools.database.write() as session:
            values = {"state": "failed" if name == "late" else name, "finished_at": finished_at}
            session.execute(update(Job).where(Job.id == job_id).values(**values))
        paths[name] = run_directory(tools, job_id)
    stranger = run_directory(tools, uuid.uuid4())

    tidy(tools.settings, tools.database, tools.blobs)

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

    tidy(tools.settings, tools.database, tools.blobs)

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


def test_the_least_used_caches_make_room(tools: Tools, pools: Pools, scorer_onnx: bytes) -> None:
    """Beyond the limit the caches go that were used longest ago, but none of the last hour; what is removed
    is made again when it is needed.
    """
    pool_id = pools.pool()
    folder = tools.settings.data_dir / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(scorer_onnx)
    models = [pools.model(pool_id, folder) for _ in range(4)]
    cached = [tools.networks._model_folder(model_id) for model_id in models]
    planted(pools, pool_id, [[1.0, 0.0], [0.0, 1.0]])
    vectors = tools.vectors.pool_vectors(pool_id)
    of_pool = tools.settings.cache_dir / "vectors" / str(pool_id)
    for path, hours in zip((*cached, of_pool), (9, 8, 7, 0, 6), strict=True):
        os.utime(path, (time.time() - hours * 3600,) * 2)
    assert tools.networks._model_folder(models[0]) == cached[0]  # used now
    room = leftovers.size_of(cached[0]) * 2 + 4096
    settings = tools.settings.model_copy(update={"cache_bytes": room})

    tidy(settings, tools.database, tools.blobs)

    assert [path.exists() for path in cached] == [True, False, False, True]
    assert tools.vectors.pool_vectors(pool_id).digest == vectors.digest
    tidy(settings.model_copy(update={"cache_bytes": 0}), tools.database, tools.blobs)
    assert [path.exists() for path in cached] == [True, False, False, True]
    os.utime(of_pool, (time.time() - 7200,) * 2)
    tidy(settings.model_copy(update={"cache_bytes": 0}), tools.database, tools.blobs)
    again = tools.vectors.pool_vectors(pool_id)
    assert (again.digest, again.matrix.tolist()) == (vectors.digest, vectors.matrix.tolist())


def test_old_jobs_leave_with_their_metrics_and_outputs(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Those of which something came that is still there stay, and so do those that ended lately."""
    pool_id = pools.pool()
    planted(pools, pool_id, [[1.0, 0.0], [0.0, 1.0]])
    searches = [pools.job(pool_id, "search", {"what": "duplicates", "within": w}) for w in (0.0, 0.5)]
    selects = pools.job(pool_id, "select", {"question": QUESTION, "up_to": None})
    failed = pools.job(pool_id, "train", {})
    for job_id in (*searches, selects):
        run(job_id, tools, shutdown)
        assert pools.get(job_id).state == "succeeded", pools.get(job_id).error
    outputs = [(pools.get(job_id).result or {})["duplicates"]["sha256"] for job_id in searches]
    with tools.database.write() as session:
        session.add(JobMetric(job_id=failed, step=1, values={"step": 1}))
        session.execute(update(Job).where(Job.id == failed).values(state="failed"))
        old = from_now(-tools.settings.keep_jobs_s - 60)
        session.execute(update(Job).where(Job.id != searches[1]).values(finished_at=old))

    tidy(tools.settings, tools.database, tools.blobs)

    with tools.database.read() as session:
        left = set(session.scalars(select(Job.id).where(Job.kind != "embed")))
        assert (left, session.scalars(select(JobMetric.step)).all()) == ({searches[1], selects}, [])
        assert session.scalar(select(Job.id).where(Job.kind == "embed"))
    with pytest.raises(BlobMissing):
        tools.blobs.open(outputs[0])
    tools.blobs.open(outputs[1]).close()


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
