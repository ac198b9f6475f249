"""`evaluate`, `model import` and both directions, as commands."""

import io
import json
import re
import uuid
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from fewpairs import Client, Model, Pool
from fewpairs.cli.follow import follow_training
from fewpairs.cli.output import duration
from store import jobs
from store.settings import Settings
from tests import drawings
from tests.fewpairs.conftest import Run
from tests.service.serving import serve


@pytest.fixture(scope="module")
def scorer(trained: Model, server: str, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The trained model's own ONNX file, imported as another model of its pool."""
    onnx = trained.download_file("photo_to_label.onnx", tmp_path_factory.mktemp("onnx") / "scorer.onnx")
    return Client(server).pool("trained").import_model(onnx)


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_worst_images_are_shown_and_written(run: Run, trained: Model, tmp_path: Path) -> None:
    """--worst lists the images with the lowest scores first; --out gets their predictions in this order."""
    result = run("evaluate", trained.id, "--worst", 5, "--out", tmp_path / "worst")
    assert result.exit_code == 0, result.output
    evaluation = Client(trained._transport.server).evaluation(trained.refresh().evaluations[-1]["id"])
    images = evaluation.worst(5)
    assert len(images) == evaluation.images().total == 2
    assert list(evaluation.images(contains=images[1]["name"].upper())) == images[1:]
    assert [image["score"] for image in images] == sorted(image["score"] for image in images)
    written = sorted((tmp_path / "worst").iterdir())
    stems = [Path(image["name"]).stem for image in images]
    assert [path.stem for path in written] == [f"{rank}-{stem}" for rank, stem in enumerate(stems, 1)]
    for image, path in zip(images, written, strict=True):
        assert image["name"] in result.output
        assert f"{image['scores']['mean_iou']:.3f}" in result.output
        assert pixels(path).shape == (drawings.HEIGHT, drawings.WIDTH)


def test_the_worst_images_as_json(run: Run, trained: Model) -> None:
    """--json has the metrics, and with --worst the worst images too."""
    scores = json.loads(run("evaluate", trained.id, "--worst", 1, "--json").stdout)
    assert len(scores["worst"]) == 1
    assert scores["worst"][0]["scores"]["mean_iou"] <= 1
    assert "worst" not in json.loads(run("evaluate", trained.id, "--json").stdout)


def test_photos_made_of_label_maps_are_scored(
    run: Run, trained: Model, scorer: Model, tmp_path: Path
) -> None:
    """With a scorer, generated photos get scores and are written; without one, a sentence says what to do."""
    words = ["evaluate", trained.id, "--direction", "labels-to-photos"]
    refused = run(*words)
    assert refused.exit_code == 1
    assert refused.output.startswith("✗ ")
    assert "scorer" in refused.output
    result = run(*words, "--scorer", scorer.id, "--worst", 2, "--out", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    assert "labels-to-photos" in result.output
    assert [pixels(path).shape[2] for path in (tmp_path / "drawn").iterdir()] == [3, 3]
    newest = trained.refresh().evaluations[-1]
    assert (newest["direction"], newest["scorer_id"]) == ("labels_to_photos", scorer.id)


@pytest.mark.parametrize(
    "words",
    [
        *(["--direction", "sideways"], ["--out", "folder"], ["--split", "both"], ["--scorer", "x"]),
        *(["--test-time", "twice"], ["--test-time", "flip"]),
    ],
)
def test_an_evaluation_that_cannot_be_made_is_a_sentence(run: Run, trained: Model, words: list[str]) -> None:
    """An unknown direction, split, scorer or way to average views, one that this model cannot do, and --out
    without --worst: exit code 1.
    """
    result = run("evaluate", trained.id, *words)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("✗ ")
    assert "Traceback" not in result.output


def test_a_model_is_imported_and_used(run: Run, trained: Model, scorer: Model, tmp_path: Path) -> None:
    """`model import` prints the id of a model that translates like the model whose ONNX file it is."""
    onnx = trained.download_file("photo_to_label.onnx", tmp_path / "mine.onnx")
    result = run("model", "import", onnx, "--name", "mine", "--pool", "trained")
    assert result.exit_code == 0, result.output
    [model_id] = re.findall(r"Model ([0-9a-f-]{36})", result.output)
    listed = run("model", "list", "--pool", "trained").output
    assert model_id in listed
    assert "mine" in listed
    found = run("model", "list", "--pool", "trained", "--contains", "MIN", "--sort", "name").output
    assert (model_id in found, trained.id in found) == (True, False)
    photo = tmp_path / "photo.png"
    photo.write_bytes(drawings.png(drawings.drawing(5)[0]))
    maps = []
    for name in (trained.id, model_id):
        run("translate", name, photo, "--out", tmp_path / name)
        maps.append(pixels(tmp_path / name / "photo.png"))
    assert (maps[0] == maps[1]).mean() > 0.99
    assert run("model", "import", tmp_path / "none.onnx", "--pool", "trained").output.startswith("✗ ")


def test_a_file_that_is_no_model_says_so_when_it_is_used(run: Run, trained: Model, tmp_path: Path) -> None:
    """The sentence is the job's reason, with what such a file has to hold."""
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    [model_id] = re.findall(
        r"Model ([0-9a-f-]{36})", run("model", "import", tmp_path / "bad.onnx", "--pool", "trained").output
    )
    result = run("evaluate", model_id)
    assert result.exit_code == 1
    assert "ONNX" in result.output
    assert "Traceback" not in result.output


def test_a_label_map_becomes_a_photo(run: Run, trained: Model, photos: Path, tmp_path: Path) -> None:
    """`translate --direction labels-to-photos` writes an RGB image for each label map."""
    words = ["translate", trained.id, photos / "labels", "--direction", "labels-to-photos"]
    result = run(*words, "--out", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    assert "8 of 8 label maps" in result.output
    assert pixels(tmp_path / "drawn" / "0003.png").shape == (drawings.HEIGHT, drawings.WIDTH, 3)
    assert run(*words, "--overlay").output.startswith("✗ ")


def test_label_maps_of_two_sources(run: Run, pool: Pool, photos: Path) -> None:
    """`labels --source` keeps equal names of two sources apart, and `train` uses the chosen source."""
    assert "8 new" in run("labels", photos / "labels", "--source", "near").output
    assert "8 new" in run("labels", photos / "labels", "--source", "far").output
    assert "8 there already" in run("labels", photos / "labels", "--source", "far").output
    assert "8 from far, 8 from near" in run("pool", "show", pool.name).output
    pool.upload(photos / "images")
    pool.annotate(photos / "labels" / "0000.png")
    refused = run("train", "--method", "hybrid", "--label-source", "gta")
    assert refused.exit_code == 1
    assert "far, near, annotations" in refused.output
    started = run("train", "--method", "hybrid", "--label-source", "near", "--label-source", "annotations")
    assert started.exit_code == 0, started.output
    [job] = pool.jobs(kind="train")
    job.cancel()


def test_following_a_training_shows_its_estimate(tmp_path: Path, photos: Path) -> None:
    """The estimate is printed in words, once, as soon as the job has it."""
    with serve(Settings(data_dir=tmp_path, broker_url="memory://")) as service:
        client = Client(str(service.base_url))
        pool = client.create_pool("estimated", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images")
        pool.annotate(photos / "labels")
        job = pool.train(recipe="tiny")
        with service.service.database.write() as session:
            claim = jobs.claim(session, uuid.UUID(job.id), worker="test", lease_s=60)
            assert claim
            estimate = {"memory_bytes": 3 * 2**30, "seconds": 600, "steps_per_second": 2.5}
            jobs.estimated(session, claim, estimate)
            jobs.succeed(session, claim, {"model_id": "…"})
        shown = io.StringIO()
        follow_training(Console(file=shown, width=200), job, "hybrid")
        client.close()
    assert shown.getvalue().strip() == "hybrid: will need about 10 min, 2.5 steps/s, 3 GiB of memory"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12.3, "12 s"), (47.9, "48 s"), (95, "2 min"), (7170, "2 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    """Times are rounded: seconds, minutes, hours and minutes."""
    assert duration(seconds) == words


def test_evaluate_shows_the_metrics(run: Run, trained: Model) -> None:
    """The table names every metric and class; --json holds the same numbers."""
    before = len(trained.refresh().evaluations)
    scores = json.loads(run("evaluate", trained.id, "--json").stdout)
    shown = run("evaluate", trained.id).output
    for value in (scores["pixel_accuracy"], scores["mean_iou"]):
        assert f"{value:.3f}" in shown
    for entry in drawings.CLASS_TABLE["classes"]:
        assert entry["name"] in shown
    assert [e["split"] for e in trained.refresh().evaluations[before:]] == ["test", "test"]
