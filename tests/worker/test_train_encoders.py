"""Trainings that start from an encoder: whose weights they load, and what becomes of the photos' features."""

import shutil
import threading
import uuid

import pytest
from sqlalchemy import select

from models.training.run_directory import RunDirectory
from store.tables import Job, Model, PhotoFeatures
from tests.models.encoding import TIMM, weights_for_tests
from tests.worker.factories import Pools
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run

VIEWS = 4


@pytest.fixture
def database_url() -> str:
    return ""


def probed(tools: Tools, pools: Pools, pool_id: uuid.UUID, images: list[uuid.UUID], encoder: str) -> Job:
    """The ended job of a small probe of this encoder."""
    options = {"image_size": 64, "load_size": 64, "total_steps": 2}
    job_id = pools.training(pool_id, images, method="probe", encoder=encoder, **options)
    run(job_id, tools, threading.Event())
    return pools.get(job_id)


def test_weights_are_the_operators_and_features_are_kept(
    tools: Tools, pools: Pools, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A training loads the file that the operator supplies, says so, and leaves its photos' features, which
    the next training finds in its run directory. Where the file is missing, the job fails at its first
    attempt with a sentence: nothing is trained from random weights.
    """
    tools.settings.encoders.mkdir()
    weights = weights_for_tests(f"timm:{TIMM}", tmp_path_factory)
    shutil.copyfile(weights, tools.settings.encoders / f"{TIMM}.pth")
    pool_id = pools.pool()
    images = pools.annotated(pool_id, 2)
    assert probed(tools, pools, pool_id, images, f"timm:{TIMM}").error is None
    with tools.database.read() as session:
        notes = session.scalars(select(Model)).one().receipt["notes"]
        rows = session.scalars(select(PhotoFeatures)).all()
    assert notes["encoder"] == f"timm:{TIMM}"
    assert notes["weights_digest"] == pools.content(weights.read_bytes())
    assert sorted(row.image_id for row in rows) == sorted(VIEWS * images)

    missing = tools.settings.model_copy(update={"resnet50_weights": tools.settings.data_dir / "missing.pth"})
    without = Tools(missing, tools.database, tools.blobs, Networks(missing, tools.database, tools.blobs))
    failed = probed(without, pools, pool_id, images, "resnet50")
    assert (failed.state, failed.attempt) == ("failed", 1)
    assert failed.error
    assert failed.error["type"] == "weights-unavailable"
    assert "There is no weights file of resnet50 at" in failed.error["detail"]
    brought = RunDirectory(tools.settings.runs_dir / str(failed.id)).features
    contents = {pools.content(path.read_bytes()) for path in brought.glob("*.npy")}
    assert contents == {row.sha256 for row in rows}
