"""Training jobs on SQLite, with real subprocesses; test_run.py trains on both databases."""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from sqlalchemy import select, update

from models.catalog import METHODS, build
from models.training.checkpoint import save_checkpoint
from models.training.methods import method_named
from models.training.run_directory import RunDirectory
from service.jobs.schemas import Estimate
from service.models.schemas import TrainingReceipt
from store import job_parts, jobs, models
from store.tables import Evaluation, Job, Model
from tests import published
from tests.models.runs import poison
from tests.processes import until
from tests.worker.factories import Pools, scene
from tests.worker.waiting import running, training_processes
from worker.attempt import Tools
from worker.run import run

ENDLESS = {"total_steps": 10**6, "checkpoint_every": 1}


@pytest.fixture
def database_url() -> str:
    return ""


def run_directory(tools: Tools, job_id: uuid.UUID) -> RunDirectory:
    return RunDirectory(tools.settings.runs_dir / str(job_id))


def model_digests(tools: Tools, job_id: uuid.UUID) -> dict[str, str]:
    """The digests of the files of the job's model, by file name."""
    with tools.database.read() as session:
        model = session.scalars(select(Model).where(Model.job_id == job_id)).one()
        return {file.name: file.sha256 for file in models.files(session, [model.id])[model.id]}


def model_count(tools: Tools) -> int:
    with tools.database.read() as session:
        return len(session.scalars(select(Model)).all())


def endless_training(pools: Pools) -> uuid.UUID:
    pool_id = pools.pool()
    return pools.training(pool_id, pools.annotated(pool_id, 2), **ENDLESS)


def test_a_training_killed_and_resumed_gives_the_same_weights(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """SIGKILL of the training subprocess costs an attempt, but on a CPU the model is the same bit for bit.

    Photos that are uploaded in between have no effect: the second attempt reads the files that the first one
    began with.
    """
    pool_id = pools.pool()
    images = pools.annotated(pool_id, 3)
    whole, killed = (pools.training(pool_id, images, total_steps=12) for _ in range(2))
    run(whole, tools, shutdown)

    with running(killed, tools):
        until(run_directory(tools, killed).checkpoint.exists, "a checkpoint")
        os.kill(training_processes(killed)[0].pid, signal.SIGKILL)
    interrupted = pools.get(killed)
    assert (interrupted.state, interrupted.attempt) == ("queued", 1)
    assert interrupted.error
    assert interrupted.error["type"] == "process-died"
    assert "SIGKILL" in interrupted.error["detail"]
    assert run_directory(tools, killed).checkpoint.exists()
    pools.photos(pool_id, [b"not a photo: training on it would fail"])
    run(killed, tools, shutdown)

    assert (pools.get(killed).state, pools.get(killed).attempt) == ("succeeded", 2)
    weights = ("photo_to_label.safetensors", "label_to_photo.safetensors")
    once, twice = model_digests(tools, whole), model_digests(tools, killed)
    assert [once[name] for name in weights] == [twice[name] for name in weights]
    with tools.database.read() as session:
        steps = [line["step"] for line in job_parts.metrics(session, killed, after=-1, limit=100)]
    assert steps == list(range(1, 13))


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (None, {"upload": 1, "near": 2, "annotations": 2}),
        (["near"], {"near": 2}),
        (["upload", "annotations"], {"upload": 1, "annotations": 2}),
    ],
)
def test_a_training_learns_from_the_sources_it_was_told(
    tools: Tools,
    pools: Pools,
    shutdown: threading.Event,
    sources: list[str] | None,
    expected: dict[str, int],
) -> None:
    """It uses the unpaired label maps of these sources, and the model's receipt counts them by source. The
    classes that the pairs lack are in the receipt and in the job's result.
    """
    pool_id = pools.pool()
    images = pools.annotated(pool_id, 2)
    files = {"annotations": [pools.content(scene(seed)[1]) for seed in range(2)]}
    for seed, source in ((10, "upload"), (11, "near"), (12, "near")):
        pools.label_map(pool_id, scene(seed)[1], source)
        files.setdefault(source, []).append(pools.content(scene(seed)[1]))
    job_id = pools.training(pool_id, images, total_steps=1, checkpoint_every=1, label_sources=sources)

    run(job_id, tools, shutdown)

    assert pools.get(job_id).state == "succeeded", pools.get(job_id).error
    with tools.database.read() as session:
        model = session.scalars(select(Model).where(Model.job_id == job_id)).one()
    published.check(TrainingReceipt, model.receipt)
    assert model.receipt["unpaired_label_maps"] == expected
    assert model.receipt["missing_classes"] == ["fence"]
    assert (pools.get(job_id).result or {})["missing_classes"] == ["fence"]
    manifest = json.loads((run_directory(tools, job_id).path / "manifest.json").read_text())
    wanted = sorted(f"data/{digest}" for source in expected for digest in files[source])
    assert sorted(manifest["unpaired_label_maps"]) == wanted


LIKE_HYBRID = ("pix2pix", "cyclegan", "tripathy")
"""They have hybrid's networks and data, and tests/contracts checks what differs."""


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=pytest.mark.slow if name in LIKE_HYBRID else ()) for name in METHODS]
)
def test_every_method_makes_a_model_that_can_be_evaluated(
    tools: Tools, pools: Pools, shutdown: threading.Event, method: str
) -> None:
    """Each trains in a subprocess and estimates its needs first; its model is scored on the test split. A
    training with many steps was scored there meanwhile, at last as its model is.
    """
    pool_id = pools.pool()
    images = pools.annotated(pool_id, 2)
    pools.annotated(pool_id, 1, "test")
    options = {"total_steps": 2, "log_every": 1, "checkpoint_every": 1}
    job_id = pools.training(pool_id, images, method=method, **options)

    run(job_id, tools, shutdown)
    job = pools.get(job_id)
    assert job.result, job.error
    default = {"split": "test", "direction": "photos_to_labels", "scorer": None}
    evaluation = pools.job(pool_id, "evaluate", {**job.result, **default})
    run(evaluation, tools, shutdown)

    assert pools.get(evaluation).state == "succeeded", pools.get(evaluation).error
    assert bool(job.estimate) == METHODS[method].rehearsed
    if job.estimate:
        published.check(Estimate, job.estimate)
    with tools.database.read() as session:
        receipt = session.scalars(select(Model).where(Model.job_id == job_id)).one().receipt
        last = job_parts.metrics(session, job_id, after=-1, limit=10)[-1]
        scored = session.scalars(select(Evaluation)).one().metrics
    assert receipt["watched"] == METHODS[method].rehearsed
    if receipt["watched"]:
        assert last["validation"]["mean_iou"] == scored["mean_iou"]


def test_a_diverged_training_fails_for_good(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """A loss that is not finite fails the job at its first attempt, and says at which step it happened."""
    pool_id = pools.pool()
    job_id = pools.training(pool_id, pools.annotated(pool_id, 2))
    spec = build("tiny", "hybrid", **pools.get(job_id).spec["options"])
    checkpoint = run_directory(tools, job_id).checkpoint
    checkpoint.parent.mkdir(parents=True)
    save_checkpoint(checkpoint, method_named("hybrid")(spec, torch.device("cpu"), None), {}, spec, 0)
    poison(checkpoint, "networks/D_X/layers.0.weight")

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"] == "training-diverged"
    assert "step" in job.error["detail"]


def test_impossible_options_fail_for_good(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """Options that no recipe accepts fail the job before a process starts; the error names the option."""
    pool_id = pools.pool()
    job_id = pools.training(pool_id, pools.annotated(pool_id, 1), image_size=33)

    run(job_id, tools, shutdown)

    error = pools.get(job_id).error
    assert error
    assert error["type"] == "invalid-training-spec"
    assert "image_size" in error["detail"]


def test_a_cancelled_training_stops(tools: Tools, pools: Pools) -> None:
    """Cancel ends the subprocess and the job, keeps the metrics, and drops the photos and the checkpoint."""
    job_id = endless_training(pools)
    with running(job_id, tools):
        until(lambda: pools.get(job_id).done > 2, "progress")
        with tools.database.write() as session:
            jobs.cancel(session, job_id)

    assert pools.get(job_id).state == "cancelled"
    assert not training_processes(job_id)
    assert model_count(tools) == 0
    run_dir = run_directory(tools, job_id)
    assert run_dir.read_metrics()
    assert not run_dir.checkpoint.exists()
    assert not (run_dir.path / "data").exists()


def test_a_finished_training_keeps_its_model_whatever_is_killed(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """The job succeeds with the steps that were done. SIGKILL right after it was asked changes nothing."""
    job_id = endless_training(pools)
    run_dir = run_directory(tools, job_id)
    with running(job_id, tools):
        until(lambda: pools.get(job_id).done > 2, "progress")
        with tools.database.write() as session:
            assert jobs.finish(session, job_id)
        until(run_dir.finish_file.exists, "the request in the run directory")
        for process in training_processes(job_id):
            os.kill(process.pid, signal.SIGKILL)
    if pools.get(job_id).state == "queued":
        run(job_id, tools, shutdown)

    job = pools.get(job_id)
    steps = json.loads(run_dir.finish_file.read_text())["step"]
    assert (job.state, job.done, job.total) == ("succeeded", steps, ENDLESS["total_steps"])
    assert job.result
    assert job.result["steps"] == steps
    with tools.database.read() as session:
        model = session.scalars(select(Model).where(Model.job_id == job_id)).one()
        [last] = job_parts.metrics(session, job_id, after=steps - 1, limit=10)
        assert not jobs.finish(session, job_id)
    assert (model.receipt["steps"], last["step"]) == (steps, steps)


def test_a_training_past_its_deadline_fails(tools: Tools, pools: Pools) -> None:
    """The deadline ends the subprocess and fails the job; the error names the setting."""
    job_id = endless_training(pools)
    with tools.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(deadline_s=1.0))
    with running(job_id, tools):
        pass

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "deadline-exceeded"
    assert "FEWPAIRS_TRAINING_DEADLINE_S" in job.error["detail"]
    assert not training_processes(job_id)


def test_a_training_whose_lease_is_lost_ends_and_writes_nothing(tools: Tools, pools: Pools) -> None:
    """When another attempt owns the job, the old one's subprocess ends and the row stays as it is."""
    job_id = endless_training(pools)
    with running(job_id, tools):
        until(lambda: pools.get(job_id).done > 0, "progress")
        with tools.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(attempt=2, worker="other", done=0))

    job = pools.get(job_id)
    assert (job.state, job.attempt, job.worker, job.done, job.error) == ("running", 2, "other", 0, None)
    assert not training_processes(job_id)
    assert model_count(tools) == 0


def test_a_worker_that_shuts_down_gives_the_training_back(tools: Tools, pools: Pools) -> None:
    """The subprocess ends, the job is queued again without losing an attempt, and its checkpoint stays."""
    job_id = endless_training(pools)
    allowed = pools.get(job_id).max_attempts
    shutdown = threading.Event()
    with running(job_id, tools, shutdown):
        until(run_directory(tools, job_id).checkpoint.exists, "a checkpoint")
        shutdown.set()

    job = pools.get(job_id)
    assert (job.state, job.attempt, job.max_attempts) == ("queued", 1, allowed + 1)
    assert job.error is None
    assert not training_processes(job_id)
    assert run_directory(tools, job_id).checkpoint.exists()


def test_two_trainings_never_write_in_one_run_directory(tools: Tools, pools: Pools) -> None:
    """While a process of an earlier attempt still trains there, the new one waits, and then does its work."""
    pool_id = pools.pool()
    job_id = pools.training(pool_id, pools.annotated(pool_id, 1))
    run_dir = run_directory(tools, job_id)
    run_dir.path.mkdir(parents=True)
    with ExitStack() as earlier:
        earlier.enter_context(run_dir.locked())
        with running(job_id, tools):
            until(lambda: training_processes(job_id), "the training subprocess")
            until(lambda: "waiting" in (run_dir.path / "log.txt").read_text(), "its waiting")
            assert not run_dir.metrics.exists()
            earlier.close()

    assert pools.get(job_id).state == "succeeded"


RUN_ONE_JOB = """
import sys, threading, uuid
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run
settings = Settings()
database, blobs = Database(settings.database), open_blobs(settings.blobs)
tools = Tools(settings, database, blobs, Networks(settings, database, blobs))
run(uuid.UUID(sys.argv[1]), tools, threading.Event())
"""


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_no_training_outlives_its_worker(tools: Tools, pools: Pools, fate: signal.Signals) -> None:
    """A training ends by itself when its worker is killed, and within the lease when it is only stopped."""
    job_id = endless_training(pools)
    environment = {"FEWPAIRS_DATA_DIR": str(tools.settings.data_dir), "FEWPAIRS_LEASE_S": "2"}
    worker = subprocess.Popen(
        [sys.executable, "-c", RUN_ONE_JOB, str(job_id)],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
    )
    try:
        until(lambda: pools.get(job_id).done > 0, "progress")
        assert training_processes(job_id)
        worker.send_signal(fate)
        until(lambda: not training_processes(job_id), "the training's end")
    finally:
        worker.kill()
        worker.wait()
        for process in training_processes(job_id):
            process.kill()
