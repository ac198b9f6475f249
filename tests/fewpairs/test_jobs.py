"""`jobs` and `cancel`, and jobs from Python."""

import json
from pathlib import Path

import pytest

from fewpairs import Client, Job, JobFailed, Model, Pool
from tests.fewpairs.conftest import TINY, Run


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
    part = pool.name.upper()
    shown = run("jobs", "--contains", part, "--sort", "kind", "--limit", 2).output
    assert "2 of 6" in " ".join(shown.split())
    assert [kind in shown for kind in ("embed", "explain", "replay")] == [True, True, False]
    assert run("jobs", "--pool", pool.name, "--contains", "HYBRID").output == "There is no such job.\n"
    assert [job.kind for job in client.pool("trained").jobs(contains="HYBRID")] == ["train"]
    assert client.jobs(contains=part, kind="search").total == 2
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


def test_a_training_shows_its_log_and_its_samples(
    run: Run, trained: Model, client: Client, tmp_path: Path
) -> None:
    """`log` prints the last lines of the training and saves the sheets that it drew, as PNGs."""
    job_id = trained.document["job_id"]
    told = run("log", job_id, "--lines", 1, "--samples", tmp_path)
    assert told.output.startswith("step 4 of 4: ")
    assert client.job(job_id).samples() == [2, 4]
    for step in (2, 4):
        assert (tmp_path / f"step-{step}.png").read_bytes().startswith(b"\x89PNG")
