"""The doctor finds what is damaged, and heals what can be healed."""

import json
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select, update

from store import references
from store.blobs import LocalBlobs
from store.clock import from_now
from store.settings import Settings
from store.tables import Annotation, Image, Job, ModelFile, Shard
from tests.worker.factories import Pools, scene
from tests.worker.planted import planted
from worker import doctor
from worker.attempt import Tools
from worker.run import run
from worker.upkeep.examination import examine


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else ""


@dataclass
class Patient:
    """A server with one of everything: photos, a label map, embeddings, an output, a model and its cache."""

    tools: Tools
    pools: Pools
    pool_id: uuid.UUID
    search: uuid.UUID
    cache: Path

    @property
    def blobs(self) -> LocalBlobs:
        assert isinstance(self.tools.blobs, LocalBlobs)
        return self.tools.blobs

    def digest(self, column: object) -> str:
        """The first digest of a column."""
        with self.tools.database.read() as session:
            return str(session.scalars(select(column).limit(1)).one())  # type: ignore[call-overload]

    def change(self, path: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(b"changed")

    def examine(self, repair: bool = False) -> dict[str, list[bool]]:
        """The kinds of all faults, each with whether they were healed."""
        report = examine(self.tools.settings, self.tools.database, self.blobs, repair=repair)
        kinds: dict[str, list[bool]] = {}
        for fault in report.faults:
            kinds.setdefault(fault["kind"], []).append(fault["healed"])
        return kinds


@pytest.fixture
def settings(settings: Settings, migrated_sqlite: Path) -> Settings:
    shutil.copy(migrated_sqlite, settings.data_dir / "fewpairs.db")
    return settings


@pytest.fixture
def patient(
    tools: Tools, pools: Pools, scorer_onnx: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Patient:
    pool_id = pools.pool()
    planted(pools, pool_id, [[1.0, 0.0], [0.0, 1.0]])
    pools.annotated(pool_id, 1)
    with tools.database.write() as session:
        session.execute(update(Job).values(state="succeeded", finished_at=from_now(0)))
    search = pools.job(pool_id, "search", {"what": "duplicates", "within": 0.0})
    run(search, tools, threading.Event())
    folder = tmp_path_factory.mktemp("model")
    (folder / "model.onnx").write_bytes(scorer_onnx)
    cache = tools.networks._model_folder(pools.model(pool_id, folder))
    return Patient(tools, pools, pool_id, search, cache)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_healthy_server_has_no_faults(patient: Patient) -> None:
    """The space that the doctor explains is, to the byte, what all files of the data folder take on disk,
    beside a database on another server.
    """
    report = examine(patient.tools.settings, patient.tools.database, patient.blobs)
    assert report.faults == []
    files = [
        Path(folder, name)
        for folder, _, names in os.walk(patient.tools.settings.data_dir)
        for name in names
        if not Path(folder, name).is_symlink()
    ]
    assert sum(use.files for use in report.use.values()) == len(files)
    told = sum(use.bytes for kind, use in report.use.items() if kind != "database")
    assert told == sum(file.stat().st_blocks * 512 for file in files if file.name != "fewpairs.db")
    assert {"blobs: images", "blobs: annotations", "cache: models", "database"} <= set(report.use)


DAMAGE: dict[str, tuple[Callable[[Patient], None], str, bool]] = {}
"""What is done to the server; the kind of fault that is found; whether a repair heals it."""


def damage(kind: str, heals: bool) -> Callable[[Callable[[Patient], None]], Callable[[Patient], None]]:
    def add(do: Callable[[Patient], None]) -> Callable[[Patient], None]:
        DAMAGE[do.__name__] = do, kind, heals
        return do

    return add


@damage("missing blob", heals=False)
def a_photo_is_gone(patient: Patient) -> None:
    patient.blobs.remove(patient.digest(Image.sha256))


@damage("missing blob", heals=True)
def a_photo_is_gone_and_a_run_has_a_copy(patient: Patient) -> None:
    photo = patient.digest(Image.sha256)
    training = patient.pools.job(patient.pool_id, "train", {}, state="running", lease_expires_at=from_now(60))
    data = patient.tools.settings.runs_dir / str(training) / "data"
    data.mkdir(parents=True)
    patient.blobs.path(photo).rename(data / photo)


@damage("damaged blob", heals=False)
def a_label_map_is_damaged(patient: Patient) -> None:
    patient.change(patient.blobs.path(patient.digest(Annotation.sha256)))


@damage("damaged blob", heals=True)
def embeddings_are_damaged(patient: Patient) -> None:
    patient.change(patient.blobs.path(patient.digest(Shard.sha256)))


@damage("missing blob", heals=True)
def an_output_is_gone(patient: Patient) -> None:
    result = patient.pools.get(patient.search).result
    assert result
    patient.blobs.remove(result["duplicates"]["sha256"])


@damage("missing blob", heals=True)
def a_model_is_gone_and_its_cache_is_there(patient: Patient) -> None:
    patient.blobs.remove(patient.digest(ModelFile.sha256))


@damage("damaged cache", heals=True)
def a_cached_model_is_damaged(patient: Patient) -> None:
    patient.change(patient.cache / "model.onnx")


@damage("damaged cache", heals=True)
def cached_embeddings_are_damaged(patient: Patient) -> None:
    path = patient.tools.settings.cache_dir / "vectors" / str(patient.pool_id) / "embeddings"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@damage("stranger", heals=False)
def a_file_lies_among_the_blobs(patient: Patient) -> None:
    (patient.blobs.root / "ab" / "photo.png").write_bytes(b"")


@damage("silent job", heals=True)
def a_worker_died_and_none_is_there(patient: Patient) -> None:
    job_id = patient.pools.job(patient.pool_id, "select", {}, state="running", attempt=1)
    with patient.tools.database.write() as session:
        long_ago = from_now(-2 * patient.tools.settings.lease_s)
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=long_ago))


@damage("rows", heals=False)
def a_revision_is_missing(patient: Patient) -> None:
    with patient.tools.database.write() as session:
        session.execute(update(Annotation).values(revision=2))


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_healed_if_possible(patient: Patient, what: str) -> None:
    """Each is one fault. A repair that says it healed leaves none; one that cannot heal changes nothing."""
    do, kind, heals = DAMAGE[what]
    do(patient)
    assert patient.examine() == {kind: [False]}
    assert patient.examine(repair=True) == {kind: [heals]}
    assert patient.examine() == ({} if heals else {kind: [False]})


def test_a_job_finds_and_heals_the_same(patient: Patient) -> None:
    """A worker's report is that of the command; the digests in its sentences keep no blob."""
    a_photo_is_gone(patient)
    a_cached_model_is_damaged(patient)
    found = []
    for repair in (True, False):
        job_id = patient.pools.job(None, "doctor", {"repair": repair, "quick": False})
        run(job_id, patient.tools, threading.Event())
        report = patient.pools.get(job_id).result
        assert report
        assert (report["is_well"], report["fault_count"]) == (False, len(report["faults"]))
        found.append([(fault["kind"], fault["healed"]) for fault in report["faults"]])
    assert found == [[("missing blob", False), ("damaged cache", True)], [("missing blob", False)]]
    with patient.tools.database.read() as session:
        assert not references.digests_in(report) & references.in_documents(session)


def test_healed_embeddings_are_computed_again(patient: Patient) -> None:
    """The photos of a damaged shard wait for an embed job, as new ones do."""
    embeddings_are_damaged(patient)
    patient.examine(repair=True)
    with patient.tools.database.read() as session:
        waiting = session.scalars(select(Image.embed_job_id).where(Image.shard_id.is_(None))).all()
        states = session.scalars(select(Job.state).where(Job.id.in_(waiting)).distinct()).all()
    assert len(waiting) == 3
    assert states == ["queued"]


def test_a_photo_that_is_sent_again_is_healed(patient: Patient) -> None:
    """The advice for a damaged label map helps: the same bytes again put them back."""
    a_label_map_is_damaged(patient)
    patient.pools.content(scene(0)[1])
    assert patient.examine() == {}


def test_the_command_says_by_its_exit_code_whether_all_is_well(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 without faults, 1 with one; it names the photo, and `--json` has the same facts."""
    monkeypatch.setenv("FEWPAIRS_DATA_DIR", str(patient.tools.settings.data_dir))
    monkeypatch.setattr(sys, "argv", ["doctor"])
    assert doctor.main() == 0
    assert "No faults" in capsys.readouterr().out
    a_photo_is_gone(patient)
    assert doctor.main() == 1
    printed = capsys.readouterr().out
    assert "1 faults" in printed
    assert "the photo" in printed
    monkeypatch.setattr(sys, "argv", ["doctor", "--json", "--quick"])
    assert doctor.main() == 1
    assert [fault["kind"] for fault in json.loads(capsys.readouterr().out)["faults"]] == ["missing blob"]
