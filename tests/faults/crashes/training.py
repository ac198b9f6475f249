"""A training of a few steps, whose model the worker keeps."""

import json
import threading
from pathlib import Path
from time import monotonic

from sqlalchemy import select, update

from migrations import upgrade
from models.training.run_directory import RunDirectory
from models.training.trainer import train
from store import jobs
from store.tables import Job, Model, ModelFile
from tests.faults.crashes import worker
from tests.faults.crashes.server import on, tools_of
from tests.faults.crashing import step
from tests.worker.factories import Pools
from worker.attempt import Attempt
from worker.lease import Lease
from worker.training.prepare import prepare as fill


def prepare(folder: Path) -> None:
    upgrade(on(folder).database)
    pools = Pools(tools_of(folder))
    pool_id = pools.pool()
    job_id = pools.training(pool_id, pools.annotated(pool_id, 2))
    database, shutdown = pools.tools.database, threading.Event()
    with database.write() as session:
        claim = jobs.claim(session, job_id, worker="test", lease_s=20)
        assert claim
    with Lease(database, claim, lease_s=20, since=monotonic(), shutdown=shutdown) as lease:
        fill(Attempt(claim, pools.tools, lease), RunDirectory(on(folder).runs_dir / str(job_id)))
    with database.write() as session:
        jobs.give_back(session, claim)
        session.execute(update(Job).where(Job.kind == "embed").values(state="cancelled"))


def act(folder: Path) -> None:
    [run_directory] = on(folder).runs_dir.iterdir()
    if not (run_directory / "result.json").exists() and (run_directory / "data").exists():
        step("training")
        train(run_directory, "cpu")
    worker.act(folder)


def check(folder: Path) -> None:
    with tools_of(folder).database.read() as session:
        [job] = session.scalars(select(Job).where(Job.kind == "train"))
        assert len(session.scalars(select(Model)).all()) == (job.state == "succeeded")


def check_end(folder: Path) -> None:
    """The weights are those of a training that was never killed."""
    with tools_of(folder).database.read() as session:
        files = session.scalars(select(ModelFile).where(ModelFile.name.endswith(".safetensors"))).all()
    weights = json.dumps(sorted((file.name, file.sha256) for file in files))
    expected = folder.parent / "weights"
    if not expected.exists():
        expected.write_text(weights)
    assert expected.read_text() == weights
    assert len(files) >= 2
