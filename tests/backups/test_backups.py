"""What a backup holds is what a restored server has, on either kind of database."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backups.check import damaged
from backups.manifest import Unusable, manifests, newest
from backups.restore import restore
from backups.save import save
from migrations import is_new
from models.training.run_directory import RunDirectory
from store import deletions, jobs, references
from store.blobs import BlobMissing, LocalBlobs
from store.clock import from_now
from store.settings import Settings
from store.tables import Base, Image, Job
from tests.moved import Server, full_pool
from tests.processes import until
from tests.worker.factories import TINY, Pools, scene
from tests.worker.waiting import running
from worker.run import run
from worker.upkeep.examination import examine
from worker.upkeep.janitor import tidy

Open = Callable[[Settings], Pools]
CHECKPOINT_EVERY = TINY["checkpoint_every"]

on_sqlite = pytest.mark.parametrize("database_url", [""])
"""For tests that take long and ask the database nothing that the others do not."""


@pytest.fixture
def other_settings(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Settings:
    """An empty server on the other kind of database."""
    url = request.getfixturevalue("postgres_url") if database_url.startswith("sqlite") else ""
    return Settings(data_dir=tmp_path / "other", database_url=url, device="cpu", lease_s=20)


def all_rows(pools: Pools) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table, as the program reads them."""
    with pools.tools.database.read() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for name, table in Base.metadata.tables.items()
        }


def test_a_restored_server_has_everything(
    settings: Settings, other_settings: Settings, opened: Open, tmp_path: Path
) -> None:
    """Every row is the same on the other kind of database, and so is every blob that a row names."""
    here = opened(settings)
    full_pool(Server(here.tools), tmp_path)
    (settings.encoders).mkdir()
    (settings.encoders / "own.onnx").write_bytes(b"network")

    save(settings, tmp_path / "backup")
    _, missing = restore(other_settings, tmp_path / "backup")
    there = opened(other_settings)

    assert missing == []
    assert all_rows(there) == all_rows(here)
    assert len([name for name, found in all_rows(here).items() if found]) >= 13
    with here.tools.database.read() as session:
        digests = [digest for column in references._columns() for digest in session.scalars(select(column))]
    for digest in filter(None, digests):
        with here.tools.blobs.open(digest) as ours, there.tools.blobs.open(digest) as theirs:
            assert ours.read() == theirs.read()
    assert (other_settings.encoders / "own.onnx").read_bytes() == b"network"
    assert isinstance(there.tools.blobs, LocalBlobs)
    assert examine(other_settings, there.tools.database, there.tools.blobs).faults == []
    save(other_settings, tmp_path / "backup of the other")
    assert newest(tmp_path / "backup of the other").rows == newest(tmp_path / "backup").rows


def test_only_what_is_new_is_copied(settings: Settings, opened: Open, tmp_path: Path) -> None:
    """A second backup adds what came since; both can be restored; bytes leave with their manifest."""
    here, folder = opened(settings), tmp_path / "backup"
    pool_id = here.pool()
    here.photos(pool_id, [scene(1)[0], scene(2)[0]])
    first = save(settings, folder)
    with here.tools.database.write() as session:
        session.delete(session.scalars(select(Image)).first())
    here.photos(pool_id, [scene(3)[0]])
    second = save(settings, folder)
    assert (first.new, second.new) == (2, 1)

    counts = {}
    for saved in (first, second):
        made_at = saved.manifest.made_at
        restore(Settings(data_dir=tmp_path / made_at, database_url=""), folder, made_at)
        counts[made_at] = saved.manifest.counts["images"]
    assert list(counts.values()) == [2, 2]
    manifests(folder)[0].unlink()
    save(settings, folder)
    kept = {path.name for path in (folder / "blobs").glob("??/*")}
    assert first.manifest.rows not in kept
    assert damaged(folder) == []


def test_the_files_of_trainings_that_go_on(settings: Settings, opened: Open, tmp_path: Path) -> None:
    """Checkpoint, metrics and the rest come back; what is copied from blobs, computed again or half written
    does not, nor the runs of trainings that have ended. Training photos that no row names any more come back.
    """
    here, folder, old = opened(settings), tmp_path / "backup", sha256(b"replaced").hexdigest()
    photo = here.content(b"photo")
    going_on, ended = (here.training(here.pool(), []) for _ in range(2))
    here.end(ended, "failed")
    here.photos(here.pool(), [b"photo"])
    written = {
        **{"checkpoint.safetensors": b"weights", "metrics.jsonl": b"{}", "samples/step-1.png": b"sheet"},
        **{f"data/{photo}": b"photo", f"data/{old}": b"replaced", "data/part-1": b"repl", "lock": b""},
        **{"features/a.npy": b"computed", "checkpoint.safetensors.0123.tmp": b"weig"},
    }
    for job_id in (going_on, ended):
        for name, content in written.items():
            path = settings.runs_dir / str(job_id) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    save(settings, folder)

    other = Settings(data_dir=tmp_path / "other", database_url="")
    restore(other, folder)
    restored = {path: path.read_bytes() for path in other.runs_dir.rglob("*") if path.is_file()}
    kept = ("checkpoint.safetensors", "metrics.jsonl", "samples/step-1.png", f"data/{old}")
    assert restored == {other.runs_dir / str(going_on) / name: written[name] for name in kept}


def test_no_blob_is_removed_while_a_backup_is_made(settings: Settings, opened: Open) -> None:
    """The row of a deleted photo goes at once; its bytes stay until the backup ends, and go then."""
    here = opened(settings)
    pool_id = here.pool()
    job_id, [image_id] = here.photos(pool_id, [scene(1)[0]])
    here.end(job_id, "succeeded")
    with here.tools.database.write() as session:
        image = session.get_one(Image, image_id)
        deletions.delete(session, "image", image, keep_s=0)
    blobs = here.tools.blobs
    with blobs.kept():
        run(here.job(pool_id, "delete", {}), here.tools, threading.Event())
        with here.tools.database.read() as session:
            assert session.get(Image, image_id) is None
        tidy(settings, here.tools.database, blobs)
        blobs.require(image.sha256)
    tidy(settings, here.tools.database, blobs)
    with pytest.raises(BlobMissing):
        blobs.require(image.sha256)


def test_a_damaged_photo_is_reported_and_stops_nothing(
    settings: Settings, opened: Open, tmp_path: Path
) -> None:
    """A backup says which blobs were damaged, and has all others."""
    here, folder = opened(settings), tmp_path / "backup"
    here.photos(here.pool(), [scene(1)[0], scene(2)[0]])
    blobs = here.tools.blobs
    assert isinstance(blobs, LocalBlobs)
    [rotten, sound] = sorted(path for path in blobs.root.glob("??/*"))
    rotten.chmod(0o644)
    rotten.write_bytes(b"other bytes")

    assert save(settings, folder).manifest.missing == [rotten.name]
    assert damaged(folder) == [rotten.name]
    _, missing = restore(Settings(data_dir=tmp_path / "other", database_url=""), folder)
    assert missing == [rotten.name]
    assert (tmp_path / "other" / "blobs" / sound.name[:2] / sound.name).read_bytes() == sound.read_bytes()


@pytest.mark.parametrize("what", ["manifest", "rows"])
def test_a_damaged_backup_is_refused(settings: Settings, opened: Open, tmp_path: Path, what: str) -> None:
    """A changed byte in the manifest or in the rows is noticed, and the database stays empty."""
    here, folder = opened(settings), tmp_path / "backup"
    here.pool()
    manifest = save(settings, folder).manifest
    store = LocalBlobs(folder / "blobs")
    path = manifests(folder)[0] if what == "manifest" else store.path(manifest.rows)
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"0', b'"1', 1) if what == "manifest" else content[:-9] + bytes(9))

    other = Settings(data_dir=tmp_path / "other", database_url="")
    with pytest.raises(Unusable, match="damaged"):
        restore(other, folder)
    assert is_new(other.database)


def test_a_server_that_is_not_empty_is_refused(settings: Settings, opened: Open, tmp_path: Path) -> None:
    """Nothing is restored over files, blobs or rows that are there."""
    here, folder = opened(settings), tmp_path / "backup"
    here.photos(here.pool(), [scene(1)[0]])
    save(settings, folder)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    refused = {
        "data folder": Settings(data_dir=tmp_path / "used", database_url=""),
        "blobs": Settings(data_dir=tmp_path / "new", database_url="", blob_url=settings.blobs),
        "database": Settings(data_dir=tmp_path / "new", database_url=settings.database),
    }
    before = all_rows(here)
    for what, server in refused.items():
        with pytest.raises(Unusable, match=what):
            restore(server, folder)
    assert all_rows(here) == before


@on_sqlite
@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(settings: Settings, opened: Open, tmp_path: Path) -> None:
    """A backup of a running training is restored elsewhere, where it ends; no attempt was used up."""
    here, shutdown = opened(settings), threading.Event()
    pool_id = here.pool()
    job_id = here.training(pool_id, here.annotated(pool_id, 2), total_steps=10**6)
    with running(job_id, here.tools, shutdown):
        until(RunDirectory(settings.runs_dir / str(job_id)).checkpoint.exists, "a checkpoint")
        save(settings, tmp_path / "backup")
        shutdown.set()

    other = Settings(data_dir=tmp_path / "other", database_url="", device="cpu", lease_s=20)
    restore(other, tmp_path / "backup")
    there, run_directory = opened(other), RunDirectory(other.runs_dir / str(job_id))
    step = run_directory.read_metrics()[-1]["step"]
    with there.tools.database.write() as session:
        assert session.get_one(Job, job_id).state == "running"
        session.execute(update(Job).values(lease_expires_at=from_now(-1), finish_requested=True))
        jobs.sweep(session, ring_again_s=1)
    run(job_id, there.tools, threading.Event())

    job = there.get(job_id)
    assert (job.state, job.attempt, job.max_attempts) == ("succeeded", 2, settings.max_attempts + 1)
    assert step - CHECKPOINT_EVERY <= (job.result or {})["steps"] - 1 <= step + CHECKPOINT_EVERY


@on_sqlite
@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_place(settings: Settings, opened: Open, tmp_path: Path, every: int) -> None:
    """A backup or a restore that is killed leaves nothing half done, and can be run again."""
    here = opened(settings)
    pool_id = here.pool()
    here.annotation(here.photos(pool_id, [scene(1)[0]])[1][0], scene(1)[1])
    training = here.training(pool_id, [])
    (settings.runs_dir / str(training)).mkdir(parents=True)
    (settings.runs_dir / str(training) / "checkpoint.safetensors").write_bytes(b"weights")
    here.tools.database.close()
    server = {"FEWPAIRS_DATA_DIR": str(settings.data_dir), "FEWPAIRS_DATABASE_URL": settings.database}
    command = [sys.executable, "-m", "tests.backups.killed", str(tmp_path), str(every)]
    done = subprocess.run(command, env=os.environ | server, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for what in ("backup", "restore"):
        found = [place for place in done.stdout.splitlines() if place.startswith(what)]
        assert len(found) >= 10 / every, found
