import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.translation.translator import Translator
from store.tables import Job
from tests.drawings import drawing, png
from tests.worker.factories import Pools
from tests.worker.model_folders import TABLE, imported, picture, untrained
from worker.attempt import Tools
from worker.run import run


@pytest.fixture
def database_url() -> str:
    return ""


def translated(
    pools: Pools, shutdown: threading.Event, model_id: uuid.UUID, content: bytes, **spec: Any
) -> Job:
    spec = {"direction": "photos_to_labels", **spec, "model_id": str(model_id), "name": "The photo"}
    spec["sha256"] = pools.content(content)
    job_id = pools.job(pools.pool(), "translate", spec)
    run(job_id, pools.tools, shutdown)
    return pools.get(job_id)


def test_a_label_map_becomes_a_photo(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path
) -> None:
    """The photo is drawn from the label map in its class colours; the result has no label map."""
    folder = untrained(tmp_path / "model")
    _, label_map = drawing(3)

    direction = "labels_to_photos"
    job = translated(pools, shutdown, pools.model(pools.pool(), folder), png(label_map), direction=direction)

    assert job.result, job.error
    assert job.result["label_map"] is None
    drawer = Translator.load(folder, device="cpu", direction=direction)
    assert np.array_equal(picture(tools, job.result["rgb"]["sha256"]), drawer.draw(TABLE.draw(label_map)))


def test_an_imported_model_translates(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path, scorer_onnx: bytes
) -> None:
    """Its label map equals the one from the library, at the size of the photo."""
    folder = imported(tmp_path / "model", scorer_onnx)
    photo, _ = drawing(4)

    job = translated(pools, shutdown, pools.model(pools.pool(), folder, "onnx"), png(photo))

    assert job.result, job.error
    label_map = picture(tools, job.result["label_map"]["sha256"])
    assert label_map.shape == photo.shape[:2]
    assert np.array_equal(label_map, Translator.load(folder, device="cpu").translate(photo).label_map)


def test_a_translation_averages_views(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path, scorer_onnx: bytes
) -> None:
    """The label map is the library's for these views; a model that draws images says that it has none."""
    folder = imported(tmp_path / "model", scorer_onnx)
    model_id, photo = pools.model(pools.pool(), folder, "onnx"), drawing(4)[0]

    job = translated(pools, shutdown, model_id, png(photo), test_time="flip")

    assert job.result, job.error
    expected = Translator.load(folder, device="cpu").translate(photo, test_time="flip").label_map
    assert np.array_equal(picture(tools, job.result["label_map"]["sha256"]), expected)
    drawer_id = pools.model(pools.pool(), untrained(tmp_path / "drawer"))
    refused = translated(pools, shutdown, drawer_id, png(photo), test_time="flip")
    assert refused.state == "failed"
    assert refused.error
    assert refused.error["type"] == "views-not-possible"
    assert "use test_time=none" in refused.error["detail"]


def test_a_model_of_one_direction_fails_for_good(
    pools: Pools, shutdown: threading.Event, tmp_path: Path, scorer_onnx: bytes
) -> None:
    """An imported model makes no photos, so the first attempt fails and says so."""
    model_id = pools.model(pools.pool(), imported(tmp_path / "model", scorer_onnx), "onnx")

    job = translated(pools, shutdown, model_id, png(drawing(1)[1]), direction="labels_to_photos")

    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"] == "unusable-model"
