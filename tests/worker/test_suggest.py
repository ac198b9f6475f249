import threading
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from models.images.palette import ClassTable
from models.translation.translator import Translator
from store.tables import Job, PhotoFeatures
from tests.drawings import CLASS_TABLE, drawing, png
from tests.worker.factories import Pools, scene
from tests.worker.model_folders import imported, picture
from worker.attempt import Tools
from worker.run import run

IGNORE = ClassTable.from_json(CLASS_TABLE).ignore


@pytest.fixture
def database_url() -> str:
    return ""


def suggested(
    pools: Pools, shutdown: threading.Event, image_id: uuid.UUID, pool_id: uuid.UUID, **spec: Any
) -> Job:
    job_id = pools.job(pool_id, "suggest", {"image_id": str(image_id), **spec})
    run(job_id, pools.tools, shutdown)
    return pools.get(job_id)


def maps(tools: Tools, job: Job) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    assert job.result, job.error
    return picture(tools, job.result["label_map"]["sha256"]), picture(tools, job.result["doubt"]["sha256"])


def strokes_of(label_map: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Every fourth column of the truth."""
    strokes = np.full_like(label_map, IGNORE)
    strokes[:, ::4] = label_map[:, ::4]
    return strokes


def test_finished_photos_and_strokes_label_another_photo(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Almost every pixel of this easy drawing is right, with and without strokes; strokes keep their class
    and are in no doubt; the features of each photo are kept once.
    """
    pool_id = pools.pool()
    finished = pools.annotated(pool_id, 2)
    photo, truth = drawing(5)
    _, [image_id] = pools.photos(pool_id, [png(photo)])
    pairs = [[str(id), 1] for id in finished]
    labelled = truth != IGNORE
    commonest = max(np.bincount(truth[labelled])) / labelled.sum()

    guess, _ = maps(tools, suggested(pools, shutdown, image_id, pool_id, pairs=pairs, strokes=None))
    strokes = strokes_of(truth)
    sent = pools.content(png(strokes))
    better, doubt = maps(tools, suggested(pools, shutdown, image_id, pool_id, pairs=pairs, strokes=sent))

    right = [(map == truth)[labelled].mean() for map in (guess, better)]
    assert min(right) > 0.98 > commonest
    stroked = strokes != IGNORE
    assert np.array_equal(better[stroked], truth[stroked])
    assert not doubt[stroked].any()
    assert doubt[~stroked].any()
    with tools.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhotoFeatures)) == 3


def test_the_same_question_has_the_same_answer(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """A worker that remembers nothing, and finds the features as blobs, makes the same bytes."""
    pool_id = pools.pool()
    photo, truth = drawing(6)
    _, [image_id] = pools.photos(pool_id, [png(photo)])
    spec = {
        "pairs": [[str(id), 1] for id in pools.annotated(pool_id, 1)],
        "strokes": pools.content(png(strokes_of(truth))),
    }
    first = suggested(pools, shutdown, image_id, pool_id, **spec)
    forgetful = Pools(replace(tools))
    assert suggested(forgetful, shutdown, image_id, pool_id, **spec).result == first.result


def test_a_model_suggests(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Any, scorer_onnx: bytes
) -> None:
    """The label map is the model's; doubt is 255 times what its probability lacks."""
    pool_id = pools.pool()
    folder = imported(tmp_path / "model", scorer_onnx)
    photo, _ = drawing(4)
    _, [image_id] = pools.photos(pool_id, [png(photo)])
    model_id = pools.model(pool_id, folder, "onnx")

    label_map, doubt = maps(tools, suggested(pools, shutdown, image_id, pool_id, model_id=str(model_id)))

    expected = Translator.load(folder, device="cpu").translate(photo)
    assert np.array_equal(label_map, expected.label_map)
    assert expected.confidence is not None
    assert np.abs(doubt / 255 - (1 - expected.confidence)).max() < 0.6 / 255


def test_what_is_gone_fails_for_good(pools: Pools, shutdown: threading.Event) -> None:
    """A finished photo that is not there any more, and a photo that is no image."""
    pool_id = pools.pool()
    _, [image_id, broken] = pools.photos(pool_id, [scene(1)[0], b"no image"])
    gone = suggested(pools, shutdown, image_id, pool_id, pairs=[[str(uuid.uuid4()), 1]], strokes=None)
    assert (gone.state, gone.error and gone.error["type"]) == ("failed", "pairs-deleted")
    pairs = [[str(id), 1] for id in pools.annotated(pool_id, 1)]
    unread = suggested(pools, shutdown, broken, pool_id, pairs=pairs, strokes=None)
    assert (unread.state, unread.error and unread.error["type"]) == ("failed", "not-an-image")
