"""The loop as commands: select, train, evaluate, translate, model, jobs, cancel."""

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewpairs import Client, Job, JobFailed, Model, Pool
from fewpairs.cli.select import embedding_so_far
from store.settings import Settings
from tests import drawings
from tests.fewpairs.conftest import TINY, Run
from tests.processes import until
from tests.service.serving import serve
from tests.service.steps import add_selection, embed, fail, selection_document


def test_select_waits_prints_and_copies(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """Right after an upload `select` waits for the embedding; --copy-to writes the picked photos' bytes."""
    pool.upload(photos / "images")
    result = run("select", "--budget", 3, "--copy-to", tmp_path / "picked")
    assert result.exit_code == 0, result.output
    picks = pool.select(3)
    for pick in picks:
        assert pick.name in result.output
        copy = (tmp_path / "picked" / pick.name).read_bytes()
        assert copy == (photos / "images" / pick.name).read_bytes()
    assert len(list((tmp_path / "picked").iterdir())) == 3


def test_select_as_json_is_the_contracts_document(run: Run, pool: Pool, photos: Path) -> None:
    """--json prints the Selection and nothing else; asking again gives the same picks."""
    pool.upload(photos / "images")
    first, again = (json.loads(run("select", "--budget", 2, "--json").stdout) for _ in range(2))
    assert first["picks"] == again["picks"]
    assert [pick["rank"] for pick in first["picks"]] == [1, 2]
    assert first["receipt"]["image_count"] == 8


def test_select_says_in_a_sentence_why_it_cannot(run: Run, pool: Pool, photos: Path) -> None:
    """An empty pool and a budget above its size end with the service's sentence and exit code 1."""
    empty = run("select", "--budget", 2)
    pool.upload(photos / "images")
    pool.select(1)
    too_many = run("select", "--budget", 9)
    for result in (empty, too_many):
        assert result.exit_code == 1
        assert result.output.startswith("✗ ")
        assert "Traceback" not in result.output
    assert "9" in too_many.output


def test_a_value_that_is_refused_is_named_by_its_option(run: Run, pool: Pool, photos: Path) -> None:
    """The sentence names the option that was typed, not the parameter that the command sends."""
    pool.upload(photos / "images")
    pool.select(1)
    for words, option in (
        (["select", "--budget", 1, "--strategy", "best"], "--strategy"),
        (["select", "-b", 0, "--seed", -1], "--budget"),
        (["select", "-b", 0, "--seed", -1], "--seed"),
        (["train", "--recipe", "grand"], "--recipe"),
        (["jobs", "--state", "late"], "--state"),
    ):
        refused = run(*words)
        assert refused.exit_code == 1
        assert f" {option}: Input should be" in refused.output
        assert not re.search("query|body", refused.output)


def test_select_takes_what_it_waited_for(tmp_path: Path, photos: Path) -> None:
    """It is the selection that the job made, even if the pool has got another photo in the meantime."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=0)
    with serve(settings) as service, ThreadPoolExecutor() as thread, Client(str(service.base_url)) as client:
        pool = client.create_pool("growing", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images" / "0000.png")
        embed(service, pool.id)
        asked = thread.submit(pool.select, 1)
        until(lambda: list(pool.jobs(kind="select")), "a select job")
        [job] = pool.jobs(kind="select")
        document = selection_document(pool.id, list(pool.images()))
        pool.upload(photos / "images" / "0001.png")
        add_selection(service, job.document, document)
        assert asked.result(timeout=30).document == document


@pytest.mark.parametrize(
    ("split", "test_distance", "counts"),
    [("train", "auto", "9 of 12"), ("train", "off", "8 of 10"), ("test", "auto", "1 of 2")],
)
def test_select_tells_how_far_embedding_is(pool: Pool, split: str, test_distance: str, counts: str) -> None:
    """The counts are of the photos that the selection waits for; test photos count if it looks at them."""
    splits = {"train": {"images": 10, "embedded": 8}, "test": {"images": 2, "embedded": 1}}
    pool.document["counts"] = {"images": 12, "embedded": 9, **splits}
    assert embedding_so_far(pool, split, test_distance).endswith(counts)


def test_one_photo_is_no_plural(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """The commands use the singular for one photo."""
    pool.upload(photos / "images" / "0000.png")
    shown = "".join(
        run(*words).output
        for words in (
            ["select", "--budget", 1, "--copy-to", tmp_path / "picked"],
            ["explain"],
            ["assign", "--annotator", "ana", "--copy-to", tmp_path / "ana"],
            ["duplicates"],
        )
    )
    assert shown.count("1 photo copied") == 2
    assert "None of 1 photo is within" in shown
    assert not re.search(r"\b1 (photos|picks|images)\b", shown + repr(pool.refresh())), shown


def test_select_ends_when_embedding_fails_for_good(tmp_path: Path, photos: Path) -> None:
    """A failed job is tried again; if that fails too, waiting ends with the job's reason."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", embed_chunk=4)
    with serve(settings) as service:

        def fail_embedding(pool: Pool) -> None:
            for job in pool.jobs(state="queued", kind="embed"):
                fail(service, job.id, f"No weights ({next(failures)}).")

        failures = itertools.count(1)
        client = Client(str(service.base_url))
        pool = client.create_pool("unembeddable", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images")
        fail_embedding(pool)
        with pytest.raises(JobFailed, match=r"No weights \([34]\)"):
            pool.select(1, on_wait=fail_embedding)
        client.close()
    assert next(failures) == 5


def test_a_photo_of_the_other_split_is_refused(run: Run, pool: Pool, photos: Path) -> None:
    """A photo sent to the other split is refused with a sentence, and not counted as there already."""
    pool.upload(photos / "images")
    result = run("upload", photos / "images", "--split", "test")
    assert result.exit_code == 1
    assert "there already" not in result.output
    assert "8 refused" in result.output
    assert "already in the train split" in result.output


def test_train_follow_shows_losses_and_ends_with_the_model(run: Run, pool: Pool, photos: Path) -> None:
    """--follow prints steps and losses as they come, and at the end the model's id."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    options = [
        word
        for name, value in TINY.items()
        if name != "total_steps"
        for word in ("--option", f"{name}={value}")
    ]
    result = run("train", "--recipe", "tiny", "--steps", 4, *options, "--follow")
    assert result.exit_code == 0, result.output
    assert "step 4 of 4" in result.output
    assert "G_l1" in result.output
    assert [model.id for model in pool.models()] == re.findall(r"Model ([0-9a-f-]{36})", result.output)


def test_a_training_that_cannot_be_made_is_a_sentence(run: Run, pool: Pool, photos: Path) -> None:
    """Without annotations, with an unknown method and with a malformed option: a sentence, exit code 1."""
    pool.upload(photos / "images")
    for words in (["train"], ["train", "--method", "magic"], ["train", "--option", "steps"]):
        result = run(*words)
        assert result.exit_code == 1, result.output
        assert "✗" in result.output
        assert "Traceback" not in result.output


def test_translate_writes_label_maps_of_the_photos_size(
    run: Run, trained: Model, photos: Path, tmp_path: Path
) -> None:
    """Each photo becomes a single-channel PNG of class ids; --overlay adds a picture, --rgb gives colours."""
    photo = photos / "images" / "0000.png"
    result = run("translate", trained.id, photo, "--out", tmp_path / "out", "--overlay")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out" / "0000.png") as label_map:
        assert label_map.size == (drawings.WIDTH, drawings.HEIGHT)
        assert set(np.unique(np.asarray(label_map))) <= {0, 1, 2, 3}
    with Image.open(tmp_path / "out" / "0000-overlay.png") as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (drawings.WIDTH, drawings.HEIGHT))
    run("translate", trained.id, photo, "--out", tmp_path / "rgb", "--rgb")
    with Image.open(tmp_path / "rgb" / "0000.png") as colours:
        assert colours.mode == "RGB"


def test_translate_goes_on_after_a_bad_photo(run: Run, trained: Model, photos: Path, tmp_path: Path) -> None:
    """A file that is no image is named, the others are translated, and the exit code is 1."""
    (photos / "images" / "0002.png").write_text("no image")
    result = run("translate", trained.id, photos / "images", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "0002.png" in result.output
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_model_download_gives_the_kept_bytes(run: Run, trained: Model, tmp_path: Path) -> None:
    """Every file of the model is written, with the size that the service names."""
    result = run("model", "download", trained.id, "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "model").iterdir()}
    assert sizes == {file["name"]: file["size_bytes"] for file in trained.files}
    assert "photo_to_label.safetensors" in sizes


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


def test_latest_is_the_newest_model_trained_in_the_pool(run: Run, trained: Model, tmp_path: Path) -> None:
    """`latest` finds the model that was trained last, even if another was imported later."""
    (tmp_path / "later.onnx").write_bytes(b"onnx")
    assert run("model", "import", tmp_path / "later.onnx", "--pool", "trained").exit_code == 0
    shown = json.loads(run("model", "show", "latest", "--pool", "trained").stdout)
    assert shown["id"] == trained.id
    assert trained.id in run("model", "list", "--pool", "trained").output


def test_a_cancelled_training_ends_as_cancelled(run: Run, pool: Pool, photos: Path) -> None:
    """`cancel` stops a training; waiting for it then raises JobFailed, and `jobs` lists its state."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    job = pool.train("hybrid", recipe="tiny", **(TINY | {"total_steps": 100_000}))
    running(job)
    assert "cancel" in run("cancel", job.id).output or "stop" in run("cancel", job.id).output
    with pytest.raises(JobFailed, match="cancelled"):
        job.wait(timeout=60)
    listed = json.loads(run("jobs", "--pool", pool.name, "--state", "cancelled", "--json").stdout)
    assert [entry["id"] for entry in listed] == [job.id]
    assert "cancelled" in run("jobs", "--pool", pool.name).output


def test_jobs_say_what_came_of_each(
    run: Run, pool: Pool, client: Client, trained: Model, photos: Path
) -> None:
    """The cell has the id of the job's model or selection, or a result in words; it is empty for no kind."""
    pool.upload(photos / "images")
    selection = pool.select(2)
    selection.explain()
    client.replay(selection)
    pool.similar("0000.png", limit=3)
    pool.duplicates()
    told: dict[str, list[str]] = {job["kind"]: [] for job in json.loads(run("jobs", "--json").stdout)}
    for line in run("jobs").output.splitlines():
        if len(cells := [cell.strip() for cell in line.split("│")]) > 1:
            told[cells[2]].append(cells[5])
    assert told == {
        "embed": ["8 photos embedded"],
        "select": [selection.id],
        "explain": [selection.id],
        "replay": ["the same picks"],
        "search": ["the pool's duplicates", "3 photos found"],
    }
    trained.translate(photos / "images" / "0000.png")
    rest = run("jobs", "--pool", "trained").output
    assert trained.id in rest
    assert "a label map" in rest


def running(job: Job) -> None:
    """Wait until the job reports its first step."""
    for event in job.events():
        if event.kind == "metric":
            return


def test_events_bring_every_step_and_the_end(trained: Model, client: Client) -> None:
    """The events of a finished training replay each metric line once, in order, and end with its state."""
    job = client.job(trained.document["job_id"])
    events = list(job.events())
    assert [event.data["step"] for event in events if event.kind == "metric"] == [1, 2, 3, 4]
    assert [line["step"] for line in job.metrics()] == [1, 2, 3, 4]
    assert events[-1].kind == "state"
    assert events[-1].data["state"] == "succeeded"


def test_pools_are_listed_and_shown(run: Run, pool: Pool) -> None:
    """`pool list` and `pool show` name the pool, its encoder and its classes."""
    assert pool.id in run("pool", "list").output
    shown = run("pool", "show", pool.name).output
    assert "efficientnet_lite0" in shown
    assert "disc" in shown


def test_pool_create_takes_a_class_table_or_rgb(run: Run, tmp_path: Path, client: Client) -> None:
    """A JSON class table makes a class pool, --rgb one without classes; a name is taken only once."""
    table = tmp_path / "classes.json"
    table.write_text(json.dumps(drawings.CLASS_TABLE))
    assert run("pool", "create", "created", "--classes", table).exit_code == 0
    assert run("pool", "create", "created rgb", "--rgb").exit_code == 0
    assert client.pool("created").document["class_table"] == drawings.CLASS_TABLE
    assert client.pool("created rgb").is_rgb
    for words in (["created", "--rgb"], ["neither"], ["x", "--classes", tmp_path / "none.json"]):
        refused = run("pool", "create", *words)
        assert refused.exit_code == 1
        assert refused.output.startswith("✗ ")
