import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from models.translation.translator import Translator
from service.evaluations.schemas import ClassImageScores, ClassMetrics, RgbImageScores, RgbMetrics
from store import models, trainings
from store.tables import Evaluation, EvaluationImage, Image, Job, Pool
from tests import published
from tests.drawings import drawing, png
from tests.worker.factories import Pools, scene
from tests.worker.model_folders import TABLE, imported, picture, untrained
from worker.attempt import Tools
from worker.run import run


def evaluated(
    pools: Pools, shutdown: threading.Event, pool_id: uuid.UUID, model_id: uuid.UUID, **spec: Any
) -> Job:
    """Run an evaluation, and check its metrics and its images' scores against the API's schemas."""
    default = {"split": "test", "direction": "photos_to_labels", "scorer": None, "test_time": "none"}
    job_id = pools.job(pool_id, "evaluate", {"model_id": str(model_id), **default, **spec})
    run(job_id, pools.tools, shutdown)
    with pools.tools.database.read() as session:
        is_rgb = session.get_one(Pool, pool_id).class_table is None
        for evaluation in session.scalars(select(Evaluation)):
            published.check(RgbMetrics if is_rgb else ClassMetrics, evaluation.metrics)
        for image in session.scalars(select(EvaluationImage)):
            published.check(RgbImageScores if is_rgb else ClassImageScores, image.scores)
    return pools.get(job_id)


def kept_images(tools: Tools) -> list[tuple[Image, EvaluationImage]]:
    query = select(Image, EvaluationImage).join(EvaluationImage, EvaluationImage.image_id == Image.id)
    with tools.database.read() as session:
        return [(image, row) for image, row in session.execute(query.order_by(Image.id))]


def test_an_evaluation_keeps_what_was_predicted_for_each_image(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path
) -> None:
    """Every image has its scores and, as a blob, the label map that the model predicts from its photo."""
    pool_id = pools.pool()
    ids = pools.annotated(pool_id, 3, "test")
    folder = untrained(tmp_path / "model")

    job = evaluated(pools, shutdown, pool_id, pools.model(pool_id, folder))

    assert job.state == "succeeded", job.error
    assert job.result
    with tools.database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
    assert (evaluation.direction, evaluation.scorer_id) == ("photos_to_labels", None)
    assert job.result["evaluation_id"] == str(evaluation.id)
    assert job.result["metrics"] == evaluation.metrics
    assert "per_image" not in evaluation.metrics
    translator = Translator.load(folder, device="cpu")
    rows = kept_images(tools)
    assert [image.id for image, _ in rows] == ids
    for seed, (_, row) in enumerate(rows):
        photo, truth = drawing(seed)
        predicted = picture(tools, row.sha256)
        assert np.array_equal(predicted, translator.translate(photo).label_map)
        counted = truth != 255
        right = (predicted == truth)[counted].mean()
        assert row.scores["pixel_accuracy"] == pytest.approx(right)
        assert row.score == row.scores["mean_iou"]


def test_an_evaluation_averages_views_and_says_so(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path, scorer_onnx: bytes
) -> None:
    """Predictions are those of these views, and calibration is scored; a model that draws images has no
    probabilities, neither to average nor to score.
    """
    pool_id = pools.pool()
    pools.annotated(pool_id, 1, "test")
    folder = imported(tmp_path / "model", scorer_onnx)

    job = evaluated(pools, shutdown, pool_id, pools.model(pool_id, folder, "onnx"), test_time="flip")

    assert job.state == "succeeded", job.error
    with tools.database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
    assert evaluation.test_time == "flip"
    assert 0 < evaluation.metrics["expected_calibration_error"] < 1
    assert 0 < evaluation.metrics["errors_in_least_sure"] < 1
    expected = Translator.load(folder, device="cpu").translate(drawing(0)[0], test_time="flip").label_map
    [(_, row)] = kept_images(tools)
    assert np.array_equal(picture(tools, row.sha256), expected)
    drawer_id = pools.model(pool_id, untrained(tmp_path / "drawer"))
    plain = evaluated(pools, shutdown, pool_id, drawer_id)
    assert plain.result, plain.error
    assert plain.result["metrics"]["expected_calibration_error"] is None
    refused = evaluated(pools, shutdown, pool_id, drawer_id, test_time="flip")
    assert refused.state == "failed"
    assert refused.error
    assert "use test_time=none" in refused.error["detail"]


def test_photos_made_of_label_maps_are_scored_by_another_model(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path, scorer_onnx: bytes
) -> None:
    """The scorer, an imported ONNX file, segments the photos; the photos are kept."""
    pool_id = pools.pool()
    pools.annotated(pool_id, 2, "test")
    folder = untrained(tmp_path / "model")
    model_id = pools.model(pool_id, folder)
    scorer_folder = imported(tmp_path / "scorer", scorer_onnx)
    scorer_id = pools.model(pool_id, scorer_folder, "onnx")

    spec = {"direction": "labels_to_photos", "scorer": str(scorer_id)}
    job = evaluated(pools, shutdown, pool_id, model_id, **spec)

    assert job.state == "succeeded", job.error
    with tools.database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
    assert (evaluation.direction, evaluation.scorer_id) == ("labels_to_photos", scorer_id)
    drawer = Translator.load(folder, device="cpu", direction="labels_to_photos")
    scorer = Translator.load(scorer_folder, device="cpu")
    rows = kept_images(tools)
    assert len(rows) == 2
    for seed, (_, row) in enumerate(rows):
        _, truth = drawing(seed)
        photo = picture(tools, row.sha256)
        assert np.array_equal(photo, drawer.draw(TABLE.draw(truth)))
        found = scorer.translate(photo).label_map
        counted = truth != 255
        assert row.scores["pixel_accuracy"] == pytest.approx((found == truth)[counted].mean())


def test_an_rgb_pool_is_compared_with_the_best_constant(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path
) -> None:
    """The constant colour comes from the train targets; on targets of that one colour it is always right."""
    pool_id = pools.pool(class_table=None)
    plain = png(np.full((48, 64, 3), (10, 200, 30), np.uint8))
    for split in ("train", "test"):
        _, [image_id] = pools.photos(pool_id, [scene(1)[0]], split)
        pools.annotation(image_id, plain)
    model_id = pools.model(pool_id, untrained(tmp_path / "model", table=None))

    job = evaluated(pools, shutdown, pool_id, model_id)

    assert job.state == "succeeded", job.error
    assert job.result
    metrics = job.result["metrics"]
    assert metrics["constant"] == {"5": 1.0, "10": 1.0, "16": 1.0, "20": 1.0}
    red, green, blue = metrics["constant_color"]["5"]
    assert max(abs(red - 10), abs(green - 200), abs(blue - 30)) < 5
    [(_, row)] = kept_images(tools)
    error = np.abs(picture(tools, row.sha256).astype(int) - (10, 200, 30)).mean()
    assert row.scores["mean_absolute_error"] == pytest.approx(error)
    assert row.score == pytest.approx(-error)


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_an_unusable_model_fails_its_evaluation_and_stays(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path: Path, content: bytes
) -> None:
    """If the file is not ONNX, the job fails at its first attempt and says what is expected of a model."""
    pool_id = pools.pool()
    pools.annotated(pool_id, 1, "test")
    model_id = pools.model(pool_id, imported(tmp_path / "bad", content), "onnx")

    job = evaluated(pools, shutdown, pool_id, model_id)

    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"] == "unusable-model"
    assert "float32 (B, 3, S, S)" in job.error["detail"]
    assert kept_images(tools) == []
    with tools.database.read() as session:
        assert models.get(session, model_id)
        kept = models.files(session, [model_id])[model_id]
    assert {file.name for file in kept} == {"model.onnx", "spec.json"}


def test_a_split_without_annotations_fails_for_good(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """The job says that the split has to be annotated, before it looks for the model."""
    pool_id = pools.pool()
    pools.photos(pool_id, [scene(1)[0]], "test")

    job = evaluated(pools, shutdown, pool_id, pool_id)

    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "no-annotated-images"


def test_the_newest_annotation_counts(tools: Tools, pools: Pools) -> None:
    """An evaluation reads the later of two revisions; a training reads the one in its spec."""
    pool_id = pools.pool()
    _, [image_id, _] = pools.photos(pool_id, [scene(1)[0], scene(2)[0]])
    pools.annotation(image_id, scene(1)[1], revision=1)
    pools.annotation(image_id, scene(3)[1], revision=2)

    with tools.database.read() as session:
        [(image, annotation)] = trainings.annotated(session, pool_id, "train")
        [(_, frozen)] = trainings.pairs(session, [(str(image_id), 1)])
    assert (image.id, annotation.revision, frozen.revision) == (image_id, 2, 1)
