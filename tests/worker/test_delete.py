"""Photos that are removed for good: nothing of them stays on disk, and nothing else is lost."""

import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from store import blobs, deletions, drafts, embeddings, events, images, principals, references
from store.blobs import open_blobs
from store.database import Database
from store.events import Wanted
from store.removal import images as removal
from store.tables import (
    Annotation,
    Event,
    Explanation,
    Image,
    Job,
    JobSample,
    LabelMap,
    Model,
    ModelFile,
    Pool,
    Selection,
)
from tests.worker.factories import Pools, scene
from tests.worker.model_folders import untrained
from tests.worker.planted import planted
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.handlers import delete as deleting
from worker.outcomes import Permanent
from worker.run import run
from worker.sweeper import order_removals

QUESTION = {
    **{"budget": 3, "strategy": "kmedoids", "seed": 7, "split": "train", "name": None, "include": []},
    **{"exclude": [], "duplicates_within": None, "test_distance": "auto", "balance": False, "model": None},
}
NAME = "somebody-in-the-street.png"
DRAFT = b"half of somebody in the street"


class NoBell:
    def ring(self, job_id: uuid.UUID, queue: str) -> None:
        pass


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both databases."""
    asked = getattr(request, "param", "sqlite")
    return str(request.getfixturevalue("postgres_url")) if asked == "postgresql" else ""


@pytest.fixture
def done(tools: Tools, pools: Pools, shutdown: threading.Event) -> Callable[..., Job]:
    """Runs a job of a pool to its end."""

    def done(job_id: uuid.UUID) -> Job:
        run(job_id, tools, shutdown)
        return pools.get(job_id)

    return done


def delete(tools: Tools, image_id: uuid.UUID, keep_s: float = 0) -> None:
    with tools.database.write() as session:
        deletions.delete(session, "image", session.get_one(Image, image_id), keep_s)


def ordered(tools: Tools) -> list[uuid.UUID]:
    """The delete jobs that the sweeper orders."""
    order_removals(tools.settings, tools.database, NoBell())  # type: ignore[arg-type]
    with tools.database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind == "delete", Job.state == "queued")))


def holding(folder: Path, *contents: bytes) -> Iterator[str]:
    """The files that contain one of the contents."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and any(part in path.read_bytes() for part in contents):
            yield str(path.relative_to(folder))


@pytest.fixture
def pool_id(tools: Tools, pools: Pools, done: Callable[..., Job]) -> uuid.UUID:
    """A pool of six photos: a selection picked the first one, which was then annotated like the second one; a
    model learned from both, and was evaluated with them. Somebody has a draft of the first one.
    """
    pool_id = pools.pool()
    embed_job, ids = pools.photos(pool_id, [scene(seed)[0] for seed in range(6)])
    with tools.database.write() as session:
        session.execute(update(Image).where(Image.id == ids[0]).values(name=NAME))
    done(embed_job)
    question = QUESTION | {"include": [str(ids[0])]}
    done(pools.job(pool_id, "select", {"question": question, "up_to": None}))
    for seed in range(2):
        pools.annotation(ids[seed], scene(seed)[1])
    with tools.database.write() as session:
        somebody = principals.ensure(session, "somebody", admin=False).id
        draft = blobs.put(tools.blobs, [DRAFT])
        file = {"sha256": draft.sha256, "size_bytes": draft.size, "media_type": "image/png"}
        drafts.put(session, ids[0], somebody, revision=1, active_seconds=0, **file)
    trained = done(pools.training(pool_id, ids[:2], method="pix2pix", sample_every=1))
    assert trained.result, trained.error
    spec = {"model_id": trained.result["model_id"], "split": "train", "direction": "photos_to_labels"}
    assert done(pools.job(pool_id, "evaluate", spec | {"scorer": None})).state == "succeeded"
    return pool_id


def row(tools: Tools, image: Image) -> bytes:
    """The embedding of an image, as its shard holds it."""
    with tools.database.read() as session:
        assert image.shard_id
        shard = embeddings.shard(session, image.shard_id)
    with tools.blobs.open(shard.sha256) as file:
        return np.load(file)[shard.image_ids.index(image.id.hex)].tobytes()  # type: ignore[no-any-return]


def rows(tools: Tools, image_ids: list[uuid.UUID]) -> list[bytes]:
    with tools.database.read() as session:
        images = [session.get_one(Image, image_id) for image_id in image_ids]
    return [row(tools, image) for image in images]


@pytest.mark.slow
def test_nothing_of_a_removed_photo_stays(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Callable[..., Job]
) -> None:
    """No file has its bytes, embedding, label map or name any more, and the pool selects and trains."""
    with tools.database.read() as session:
        image = session.scalars(select(Image).where(Image.name == NAME)).one()
        selection = session.scalars(select(Selection)).one()
        assert session.scalars(select(JobSample)).all() != []
    (content, drawn), vector, folder = scene(0), row(tools, image), tools.settings.data_dir
    traces = content, drawn, DRAFT, vector, NAME.encode()
    assert len(list(holding(folder, *traces))) > 3
    delete(tools, image.id)
    [job_id] = ordered(tools)

    assert done(job_id).result == {"removed": 1, "waiting": 0}

    assert list(holding(folder, *traces)) == []
    with tools.database.read() as session:
        assert session.scalars(select(JobSample)).all() == []
        document = session.get_one(Selection, selection.id).document
        [other, *_] = session.scalars(select(Image).where(Image.split == "train").order_by(Image.id)).all()
        actions = session.scalars(select(Event.action).where(Event.subject_id == image.id)).all()
    assert document["picks"][0]["image_id"] == str(image.id)
    assert document["picks"][0]["name"] == "(deleted)"
    assert sorted(actions) == ["deleted", "removed"]
    assert done(pools.job(pool_id, "select", {"question": QUESTION, "up_to": None})).state == "succeeded"
    assert done(pools.training(pool_id, [other.id], method="pix2pix")).state == "succeeded"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    "step", ["removal.replace_shard", "_remove_copies", "removal.remove_image", "_remove_blobs", "blobs"]
)
def test_a_kill_in_any_step_loses_nothing_else(
    tools: Tools, pools: Pools, done: Callable[..., Job], step: str
) -> None:
    """After `kill -9` at the start of a step, or with blobs removed and nothing committed, another attempt
    ends the work: the photo is nowhere, and all other photos, label maps and embeddings are there.
    """
    pool_id = pools.pool()
    first, *others = planted(pools, pool_id, np.random.default_rng(0).normal(size=(4, 5)))
    for seed, image_id in enumerate([first, *others]):
        pools.annotation(image_id, scene(seed)[1])
    tools.vectors.pool_vectors(pool_id)
    with tools.database.read() as session:
        image = session.get_one(Image, first)
    vectors, vector = rows(tools, others), row(tools, image)
    assert done(pools.job(pool_id, "pack", {})).state == "succeeded"
    delete(tools, first)
    [job_id] = ordered(tools)

    kill_at(tools, job_id, step)

    assert pools.get(job_id).state == "running"
    assert rows(tools, others) == vectors
    with tools.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state="queued"))
    assert done(job_id).state == "succeeded"
    assert list(holding(tools.settings.data_dir, *scene(0), DRAFT, vector, image.name.encode())) == []
    assert rows(tools, others) == vectors
    with tools.database.read() as session:
        digests = [*session.scalars(select(Image.sha256)), *session.scalars(select(Annotation.sha256))]
    assert len(digests) == 6
    tools.blobs.require(*digests)
    assert list(tools.vectors.pool_vectors(pool_id).image_ids) == others


def kill_at(tools: Tools, job_id: uuid.UUID, step: str) -> None:
    """Run the job in a process that gets SIGKILL at a step."""
    child = os.fork()
    if child == 0:
        try:
            settings, die = tools.settings, lambda *_: os.kill(os.getpid(), signal.SIGKILL)
            database, blobs = Database(settings.database), open_blobs(settings.blobs)
            if step == "blobs":
                remove = references.remove_leaving
                references.remove_leaving = lambda *given: die(remove(*given))  # type: ignore[assignment]
            else:
                place, _, name = step.rpartition(".")
                setattr(removal if place else deleting, name, die)
            networks = Networks(settings, database, blobs)
            run(job_id, Tools(settings, database, blobs, networks), threading.Event())
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_deletion_waits_for_jobs_that_work_with_the_pool(
    tools: Tools, pools: Pools, done: Callable[..., Job]
) -> None:
    """Nothing is removed while another job runs; afterwards the sweeper orders it again."""
    pool_id = pools.pool()
    [first, _] = planted(pools, pool_id, np.eye(2))
    working = pools.job(pool_id, "evaluate", {}, state="running")
    delete(tools, first)
    [job_id] = ordered(tools)
    assert ordered(tools) == [job_id]
    assert done(job_id).result == {"removed": 0, "waiting": 1}
    with tools.database.write() as session:
        session.execute(update(Job).where(Job.id == working).values(state="failed"))
    [again] = ordered(tools)
    assert done(again).result == {"removed": 1, "waiting": 0}
    assert ordered(tools) == []


def test_a_blob_that_something_else_uses_stays(tools: Tools, pools: Pools, done: Callable[..., Job]) -> None:
    """The same photo in another pool keeps its bytes, and so does a photo that can still be taken back."""
    content = scene(3)[0]
    pool_id, other = pools.pool(), pools.pool()
    [image_id] = pools.photos(pool_id, [content])[1]
    [twin] = pools.photos(other, [content])[1]
    delete(tools, image_id)
    delete(tools, twin, keep_s=1000)
    [job_id] = ordered(tools)
    assert (done(job_id).result or {})["removed"] == 1
    digest = pools.content(content)
    with tools.database.write() as session:
        tools.blobs.require(digest)
        assert deletions.undelete(session, "image", session.get_one(Image, twin))
        actions = [named.event.action for named in events.page(session, Wanted(other), before=None, limit=9)]
    assert actions == ["undeleted", "deleted"]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_bytes_that_come_back_are_kept(tools: Tools, pools: Pools) -> None:
    """A blob that may leave and is named again stays; who names one too late is told that it is missing."""
    digest = pools.content(scene(4)[0])
    with tools.database.write() as session:
        references.leave(session, [digest, digest])
    pools.photos(pools.pool(), [scene(4)[0]])
    with tools.database.alone() as session:
        assert references.remove_leaving(session, tools.blobs)
    tools.blobs.require(digest)
    gone = pools.content(b"nobody names this")
    with tools.database.write() as session:
        references.leave(session, [gone])
    with tools.database.alone() as session:
        assert references.remove_leaving(session, tools.blobs)
    with pytest.raises(FileNotFoundError):
        tools.blobs.require(gone)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_results_are_removed_with_all_that_belongs_to_them(
    tools: Tools, pools: Pools, done: Callable[..., Job], tmp_path: Path
) -> None:
    """A selection, a model, a translation's job and a label map leave no file; receipts stay in events."""
    pool_id = pools.pool()
    first, *_ = planted(pools, pool_id, np.random.default_rng(0).normal(size=(6, 5)))
    chosen = done(pools.job(pool_id, "select", {"question": QUESTION, "up_to": None})).result
    assert chosen
    selection_id = uuid.UUID(chosen["selection_id"])
    done(pools.job(pool_id, "explain", {"selection_id": str(selection_id)}))
    folder = untrained(tmp_path / "model")
    model_id = pools.model(pool_id, folder)
    tools.networks.translator(model_id, "photos_to_labels")
    spec = {"model_id": str(model_id), "direction": "photos_to_labels", "sha256": pools.content(b"sent")}
    translated = pools.job(pool_id, "translate", spec, state="succeeded")
    pools.label_map(pool_id, b"a label map")
    kept = {path for path in (tools.settings.data_dir / "blobs").rglob("*") if path.is_file()}
    with tools.database.write() as session:
        [label_map] = session.scalars(select(LabelMap))
        for kind, row in (
            ("selection", session.get_one(Selection, selection_id)),
            ("model", session.get_one(Model, model_id)),
            ("job", session.get_one(Job, translated)),
            ("label_map", label_map),
        ):
            deletions.delete(session, kind, row, 0)
    [job_id] = ordered(tools)

    assert done(job_id).result == {"removed": 4, "waiting": 0}

    with tools.database.read() as session:
        tables = (Explanation, Selection, Model, ModelFile, LabelMap)
        assert [session.scalars(select(table)).all() for table in tables] == [[]] * 5
        removal = events.removal(session, selection_id)
        assert removal
        assert removal.details["receipt"]["budget"] == 3
        assert len(removal.details["picks"]) == 3
        assert session.get(Image, first)
    left = {path for path in (tools.settings.data_dir / "blobs").rglob("*") if path.is_file()}
    files = {path.name for path in kept - left}
    assert len(files) == 4 + len(list(folder.iterdir())) + 2
    assert not (tools.settings.cache_dir / "models" / str(model_id)).exists()
    networks = Networks(tools.settings, tools.database, tools.blobs)
    with pytest.raises(Permanent, match="was deleted"):
        networks.translator(model_id, "photos_to_labels")
    assert list(holding(tools.settings.data_dir / "blobs", b"sent", b"a label map")) == []


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_removed_pool_leaves_only_its_row(tools: Tools, pools: Pools, done: Callable[..., Job]) -> None:
    """All its rows, blobs and files go but what another pool uses; its events stay without names."""
    pool_id, other = pools.pool(name="streets-to-forget"), pools.pool()
    ids = planted(pools, pool_id, np.random.default_rng(0).normal(size=(4, 5)))
    pools.annotation(ids[0], scene(9)[1])
    pools.label_map(pool_id, b"a label map")
    done(pools.job(pool_id, "select", {"question": QUESTION, "up_to": None}))
    [twin] = pools.photos(other, [scene(2)[0]])[1]
    with tools.database.write() as session:
        deletions.delete(session, "pool", session.get_one(Pool, pool_id), 0)
    [job_id] = ordered(tools)

    assert done(job_id).state == "succeeded"

    with tools.database.read() as session:
        assert [image.id for image in session.scalars(select(Image))] == [twin]
        assert session.scalars(select(Annotation)).all() == []
        assert [job.kind for job in session.scalars(select(Job).where(Job.pool_id == pool_id))] == ["delete"]
        left = events.page(session, Wanted(pool_id), before=None, limit=9)
        assert left
        assert all(named.event.details == {} for named in left)
    contents = [scene(0)[0], scene(9)[1], b"a label map", b"streets-to-forget"]
    if "postgresql" not in tools.database.url:
        assert list(holding(tools.settings.data_dir, *contents)) == []
    tools.blobs.require(pools.content(scene(2)[0]))
    assert ordered(tools) == []


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_replaced_photo_leaves_neither_bytes_nor_embedding(
    tools: Tools, pools: Pools, done: Callable[..., Job]
) -> None:
    """The old row is in no shard, the new one is in one, and the others are as they were."""
    pool_id = pools.pool()
    embed_job, ids = pools.photos(pool_id, [scene(seed)[0] for seed in range(3)])
    done(embed_job)
    before = rows(tools, ids)
    tools.vectors.pool_vectors(pool_id)
    corrected = pools.content(scene(7)[0])
    with tools.database.write() as session:
        photo = Image(sha256=corrected, size_bytes=9, media_type="image/png")
        again, cleaning = images.replace(session, tools.settings, session.get_one(Image, ids[0]), photo)

    for job in (again, cleaning):
        assert done(job.id).state == "succeeded"

    after = rows(tools, ids)
    assert after[1:] == before[1:]
    assert after[0] != before[0]
    assert sorted(tools.vectors.pool_vectors(pool_id).image_ids) == sorted(ids)
    assert list(holding(tools.settings.data_dir / "blobs", scene(0)[0], before[0])) == []
    tools.blobs.require(corrected)
