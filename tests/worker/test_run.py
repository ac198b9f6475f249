"""One attempt, from claim to end, on both databases."""

import threading
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from models.images.photos import read_photo
from models.stopping import stop_if_asked
from models.vectors.blocks import on_all_threads
from store import jobs, models
from store.blobs import put_file
from store.clock import from_now
from store.tables import Evaluation, Job, Model, Selection
from tests.processes import until
from tests.worker.factories import Pools, scene
from tests.worker.waiting import running
from worker import run as run_module
from worker.attempt import Attempt, Tools
from worker.outcomes import Mishap, Outcome
from worker.run import run
from worker.sweeper import sweep


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> "Handler":
    handler = Handler()
    monkeypatch.setitem(run_module.HANDLERS, "select", handler)
    return handler


class Handler:
    """A handler that the test controls: it waits until `go` is set, then raises `then` or succeeds."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.then: Exception | None = None

    def __call__(self, attempt: Attempt) -> Outcome:
        self.started.set()
        while not self.go.wait(0.02):
            attempt.lease.check()
        if self.then:
            raise self.then
        row = Selection(pool_id=attempt.claim.pool_id, job_id=attempt.claim.job_id, document={})
        return Outcome({"selection_id": "…"}, lambda session: session.add(row))


def selections(tools: Tools) -> int:
    with tools.database.read() as session:
        return len(session.scalars(select(Selection)).all())


def job(pools: Pools) -> uuid.UUID:
    return pools.job(pools.pool(), "select", {})


def change(tools: Tools, job_id: uuid.UUID, **values: object) -> None:
    with tools.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def test_the_loop_from_embedding_to_a_translated_label_map(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Embed, select, train, evaluate and translate jobs each succeed with what the one before produced."""
    pool_id = pools.pool()
    embed_job, images = pools.photos(pool_id, [scene(seed)[0] for seed in range(6)])
    run(embed_job, tools, shutdown)
    question = {"budget": 2, "strategy": "kmedoids", "seed": 0}
    select_job = pools.job(pool_id, "select", {"question": question, "up_to": None})
    run(select_job, tools, shutdown)
    assert pools.get(select_job).state == "succeeded"
    with tools.database.read() as session:
        picks = [uuid.UUID(p["image_id"]) for p in session.scalars(select(Selection)).one().document["picks"]]
    for image_id in picks:
        pools.annotation(image_id, scene(images.index(image_id))[1])
    pools.annotated(pool_id, 1, split="test")

    train_job = pools.training(pool_id, picks)
    run(train_job, tools, shutdown)
    result = pools.get(train_job).result
    assert result, pools.get(train_job).error
    spec = {"model_id": result["model_id"], "direction": "photos_to_labels"}
    evaluate_job = pools.job(pool_id, "evaluate", {**spec, "split": "test", "scorer": None})
    run(evaluate_job, tools, shutdown)
    photo = pools.content(scene(0)[0])
    translate_job = pools.job(pool_id, "translate", {**spec, "sha256": photo, "name": "The photo"})
    run(translate_job, tools, shutdown)

    with tools.database.read() as session:
        model = session.scalars(select(Model)).one()
        files = {file.name: file for file in models.files(session, [model.id])[model.id]}
        evaluation = session.scalars(select(Evaluation)).one()
    assert set(files) == {
        *("photo_to_label.safetensors", "label_to_photo.safetensors", "photo_to_label.onnx"),
        *("spec.json", "samples.png"),
    }
    assert model.receipt["pairs"] == [[str(id), 1] for id in picks]
    assert model.receipt["unpaired_photos"] == 6
    assert model.receipt["unpaired_label_maps"] == {"annotations": 2}
    assert pools.get(train_job).done == 4
    folder = tools.settings.data_dir / "files"
    folder.mkdir()
    for file in files.values():
        tools.blobs.fetch(file.sha256, folder / file.name)
        assert put_file(tools.blobs, folder / file.name).sha256 == file.sha256
    assert "per_image" not in evaluation.metrics
    assert pools.get(evaluate_job).result == {
        "model_id": result["model_id"],
        "evaluation_id": str(evaluation.id),
        "metrics": evaluation.metrics,
    }
    translated = pools.get(translate_job).result
    assert translated
    tools.blobs.fetch(translated["label_map"]["sha256"], folder / "label_map")
    assert read_photo(folder / "label_map").shape == (48, 64, 3)


def test_a_result_is_written_with_the_end_of_the_job_or_not_at_all(
    tools: Tools, pools: Pools, handler: Handler, shutdown: threading.Event
) -> None:
    """An attempt that lost its job while it worked writes neither its result nor anything about the job."""
    job_id = job(pools)
    with running(job_id, tools):
        handler.started.wait()
        change(tools, job_id, attempt=2, worker="another")
        handler.go.set()

    assert selections(tools) == 0
    found = pools.get(job_id)
    assert (found.state, found.attempt, found.worker, found.error) == ("running", 2, "another", None)


def test_a_stale_attempt_cannot_report_failure_either(tools: Tools, pools: Pools, handler: Handler) -> None:
    """A handler that fails after another attempt took over does not disturb that attempt."""
    job_id = job(pools)
    handler.then = RuntimeError("too late")
    with running(job_id, tools):
        handler.started.wait()
        change(tools, job_id, attempt=2)
        handler.go.set()

    assert (pools.get(job_id).state, pools.get(job_id).error) == ("running", None)


def test_ten_rings_at_once_give_one_result(tools: Tools, pools: Pools, handler: Handler) -> None:
    """However many workers are told of a job at the same moment, only one runs it."""
    job_id = job(pools)
    handler.go.set()
    threads = [
        threading.Thread(target=run, args=(job_id, tools, threading.Event()), daemon=True) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert selections(tools) == 1
    assert (pools.get(job_id).state, pools.get(job_id).attempt) == ("succeeded", 1)


@pytest.mark.parametrize("mishap", [RuntimeError("disk on fire"), Mishap("process-died", "disk on fire")])
def test_a_mishap_is_tried_again_until_no_attempt_is_left(
    tools: Tools, pools: Pools, handler: Handler, shutdown: threading.Event, mishap: Exception
) -> None:
    """After `max_attempts` mishaps the job fails and says what happened last."""
    job_id = job(pools)
    handler.then = mishap
    handler.go.set()
    for attempt in range(1, tools.settings.max_attempts):
        run(job_id, tools, shutdown)
        assert (pools.get(job_id).state, pools.get(job_id).attempt) == ("queued", attempt)

    run(job_id, tools, shutdown)

    found = pools.get(job_id)
    assert found.state == "failed"
    assert found.error
    assert "disk on fire" in found.error["detail"]
    assert selections(tools) == 0


def test_a_cancelled_job_stops(tools: Tools, pools: Pools, handler: Handler) -> None:
    """A cancellation reaches the handler by a heartbeat and ends the job as cancelled."""
    job_id = job(pools)
    with running(job_id, tools):
        handler.started.wait()
        with tools.database.write() as session:
            jobs.cancel(session, job_id)

    assert pools.get(job_id).state == "cancelled"
    assert selections(tools) == 0


@pytest.mark.parametrize("state", ["cancelled", "queued"])
def test_long_work_in_the_library_stops(
    tools: Tools, pools: Pools, shutdown: threading.Event, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """It stops midway and on all of its threads, for a cancellation and for a worker that shuts down."""
    started = threading.Event()

    def for_ever(block: int) -> None:
        started.set()
        while True:
            stop_if_asked()

    def handler(attempt: Attempt) -> Outcome:
        on_all_threads(for_ever, range(4))
        raise AssertionError("it went on")

    monkeypatch.setitem(run_module.HANDLERS, "select", handler)
    job_id = job(pools)
    with running(job_id, tools, shutdown):
        started.wait()
        if state == "queued":
            shutdown.set()
        else:
            with tools.database.write() as session:
                jobs.cancel(session, job_id)

    assert pools.get(job_id).state == state


def test_the_lease_is_extended_while_a_job_runs(tools: Tools, pools: Pools, handler: Handler) -> None:
    """A job that runs longer than its first lease stays with its worker: the sweep leaves it alone."""
    short = replace(tools, settings=tools.settings.model_copy(update={"lease_s": 1.0}))
    job_id = job(pools)
    with running(job_id, short):
        handler.started.wait()
        first = pools.get(job_id).lease_expires_at
        assert first
        until(lambda: pools.now() > first, "the end of the first lease")
        with tools.database.write() as session:
            assert jobs.sweep(session, ring_again_s=1000) == []
        handler.go.set()

    assert (pools.get(job_id).state, pools.get(job_id).attempt) == ("succeeded", 1)


class Rings:
    """Takes the place of the broker, and records the jobs that were rung for."""

    def __init__(self) -> None:
        self.rung: list[tuple[uuid.UUID, str]] = []

    def ring(self, job_id: uuid.UUID, queue: str) -> None:
        self.rung.append((job_id, queue))


def test_the_sweep_gives_a_silent_job_to_another_worker(
    tools: Tools, pools: Pools, handler: Handler, shutdown: threading.Event
) -> None:
    """A job whose lease ran out is rung for and run again, and has one result."""
    job_id = job(pools)
    with tools.database.write() as session:
        assert jobs.claim(session, job_id, worker="dead", lease_s=60)
    change(tools, job_id, lease_expires_at=from_now(-1))
    rings = Rings()

    sweep(tools.settings, tools.database, rings)  # type: ignore[arg-type]
    handler.go.set()
    run(job_id, tools, shutdown)

    assert rings.rung == [(job_id, "cpu")]
    assert (pools.get(job_id).state, pools.get(job_id).attempt) == ("succeeded", 2)
    assert selections(tools) == 1
