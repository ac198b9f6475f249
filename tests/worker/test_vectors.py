"""Matrices of whole pools: what they hold, how they grow, and what survives a killed process."""

import io
import shutil
import subprocess
import sys
import threading
import tracemalloc
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import delete, update

from models.stopping import stopped_by
from store import blobs, embeddings
from store.blobs import open_blobs
from store.tables import Image, Shard, new_id
from tests.processes import processes, until
from tests.worker.factories import Pools
from worker.attempt import Tools
from worker.cache import vectors
from worker.cache.vectors import ImageIds, PoolVectors, VectorCache
from worker.run import run

Matrix = npt.NDArray[Any]
DIMENSION = 6


class Embedded:
    """A pool whose shards are written by hand; it records the row that each image should have."""

    def __init__(self, pools: Pools) -> None:
        self.pools, self.tools = pools, pools.tools
        self.pool_id = pools.pool()
        self.expected: dict[uuid.UUID, Matrix] = {}

    def add(self, count: int = 3) -> None:
        job_id, ids = self.pools.photos(self.pool_id, [b"photo"] * count)
        rows = np.random.default_rng(len(self.expected)).normal(size=(count, DIMENSION)).astype(np.float16)
        content = io.BytesIO()
        np.save(content, rows)
        sha256 = blobs.put(self.tools.blobs, [content.getvalue()]).sha256
        with self.tools.database.write() as session:
            embeddings.add_shard(
                session, id=new_id(), pool_id=self.pool_id, job_id=job_id, sha256=sha256, image_ids=ids
            )
        self.expected |= dict(zip(ids, rows, strict=True))

    def holds(self, found: PoolVectors) -> bool:
        assert sorted(found.image_ids) == sorted(self.expected)
        assert found.matrix.shape == (len(self.expected), DIMENSION)
        rows = zip(found.image_ids, found.matrix, strict=True)
        return all(np.array_equal(row, self.expected[image_id]) for image_id, row in rows)


@pytest.fixture
def embedded(pools: Pools) -> Embedded:
    return Embedded(pools)


def fresh(embedded: Embedded) -> VectorCache:
    """The vectors as a process that has just started reads them."""
    tools = embedded.tools
    return Tools(tools.settings, tools.database, tools.blobs, tools.networks).vectors


def read(embedded: Embedded) -> PoolVectors:
    return fresh(embedded).pool_vectors(embedded.pool_id)


def folder(embedded: Embedded) -> Path:
    return embedded.tools.settings.cache_dir / "vectors" / str(embedded.pool_id)


def test_every_row_is_its_images_embedding(embedded: Embedded) -> None:
    """The rows of all shards are there as float16, each at the place of its image."""
    for _ in range(3):
        embedded.add()
    found = read(embedded)
    assert embedded.holds(found)
    assert found.matrix.dtype == np.float16
    wanted = list(embedded.expected)[::-2]
    assert [found.image_ids[row] for row in found.rows(wanted)] == wanted
    with pytest.raises(KeyError):
        found.rows([*wanted, new_id()])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_image_ids_are_made_only_on_demand(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a pool and finding the row of an image makes no UUID objects."""
    embedded.add(count=50)
    read(embedded)
    made: list[bytes] = []

    class Counted(uuid.UUID):
        def __init__(self, *, bytes: bytes) -> None:
            made.append(bytes)
            super().__init__(bytes=bytes)

    monkeypatch.setattr(vectors, "uuid", SimpleNamespace(UUID=Counted))
    found = read(embedded)
    [row] = found.rows(list(embedded.expected)[7:8])
    assert made == []
    assert found.image_ids[row] == list(embedded.expected)[7]
    assert len(made) == 1


def test_a_pool_without_embeddings_has_no_rows(embedded: Embedded) -> None:
    """A pool of which nothing is embedded yet can be read without an error."""
    found = read(embedded)
    assert (list(found.image_ids), len(found.matrix)) == ([], 0)
    with pytest.raises(KeyError):
        found.rows([new_id()])


def test_new_shards_only_add_rows(embedded: Embedded) -> None:
    """Rows keep their places, a matrix read before does not change, and every shard is read only once."""
    embedded.add()
    first = read(embedded)
    before = np.array(first.matrix)
    shutil.rmtree(embedded.tools.settings.data_dir / "blobs")
    open_blobs(embedded.tools.settings.blobs)
    embedded.add()
    second = read(embedded)
    assert embedded.holds(second)
    assert list(second.image_ids[:3]) == list(first.image_ids)
    assert np.array_equal(first.matrix, before)
    assert first.digest != second.digest == read(embedded).digest


def test_consecutive_rows_are_not_copied(embedded: Embedded) -> None:
    """They are a view of the matrix; other rows are a copy, in the order asked for. Both are read-only,
    and an empty list of images is allowed.
    """
    for _ in range(3):
        embedded.add()
    vectors = fresh(embedded)
    found = vectors.pool_vectors(embedded.pool_id)
    for ids, shared in ((found.image_ids[2:7], True), (found.image_ids[::-2], False), ([], False)):
        rows = vectors.gather(found, ids)
        assert np.array_equal(rows, found.matrix[found.rows(ids)])
        assert (rows.dtype, rows.shape) == (np.float16, (len(ids), DIMENSION))
        assert np.shares_memory(rows, found.matrix) == shared
        assert not rows.flags.writeable


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_large_copy_needs_little_memory_and_no_named_file(tools: Tools) -> None:
    """Making it takes far less memory than its size, and can be stopped. Its file has no name, so a kill -9
    leaves none behind, and its disk space is released when the copy is no longer used.
    """
    matrix = np.random.default_rng(0).random((40_000, 128)).astype(np.float16)
    vectors = PoolVectors(ImageIds.of(uuid.UUID(int=n) for n in range(40_000)), matrix, "")
    folder = tools.settings.cache_dir / "vectors"
    folder.mkdir()
    vectors.rows(vectors.image_ids[:1])  # builds the table of rows before memory is measured
    ids = vectors.image_ids[::-1]
    tracemalloc.start()
    with stopped_by(lambda: steps.append(list(folder.iterdir()))):
        steps: list[list[Path]] = []
        rows = tools.vectors.gather(vectors, ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < matrix.nbytes / 2
    assert np.array_equal(rows, matrix[::-1])
    assert steps == [[]] * 10
    assert list(folder.iterdir()) == []
    assert "(deleted)" in Path("/proc/self/maps").read_text().split(str(folder))[1].split("\n")[0]
    del rows
    assert str(folder) not in Path("/proc/self/maps").read_text()

    def stop() -> None:
        raise InterruptedError

    with stopped_by(stop), pytest.raises(InterruptedError):
        tools.vectors.gather(vectors, ids)


@pytest.mark.parametrize("damage", ["record.json", "ids", "embeddings"])
def test_a_damaged_cache_is_made_again(embedded: Embedded, damage: str) -> None:
    """Whichever file is empty or missing, the rows are read from the shards again."""
    embedded.add()
    read(embedded)
    (folder(embedded) / damage).write_bytes(b"")
    assert embedded.holds(read(embedded))
    (folder(embedded) / damage).unlink()
    assert embedded.holds(read(embedded))


def test_a_cache_follows_a_restored_database(embedded: Embedded) -> None:
    """A cache with rows that the database does not have is made again, and so is its index."""
    embedded.add()
    assert len(fresh(embedded).index(embedded.pool_id)) == 3
    with embedded.tools.database.write() as session:
        session.execute(update(Image).values(shard_id=None))
        session.execute(delete(Shard))
    embedded.expected.clear()
    embedded.add(count=2)
    assert embedded.holds(read(embedded))
    index = fresh(embedded).index(embedded.pool_id)
    _, distances = index.search(np.array(read(embedded).matrix), 1)
    assert (len(index), distances.any()) == (2, False)


def test_a_shards_missing_blob_is_a_mishap(embedded: Embedded, shutdown: threading.Event) -> None:
    """If a blob is missing, as when a disk is not mounted, the job that needs it is queued again."""
    embedded.add()
    shutil.rmtree(embedded.tools.settings.data_dir / "blobs")
    job_id = embedded.pools.job(embedded.pool_id, "search", {"what": "duplicates", "within": None})
    run(job_id, embedded.tools, shutdown)
    job = embedded.pools.get(job_id)
    assert (job.state, job.error and job.error["type"]) == ("queued", "blob-missing")


def test_an_index_is_not_written_for_a_few_rows(embedded: Embedded) -> None:
    """Up to 5 % new rows are added in memory only, and the file stays mapped; for more it is replaced."""
    embedded.add(count=100)
    written = []
    for expected in (100, 103, 106):
        index = fresh(embedded).index(embedded.pool_id)
        assert (len(index), index.is_mapped) == (expected, expected == 103)
        written.append((folder(embedded) / "index").stat().st_ino)
        embedded.add()
    assert written[0] == written[1] != written[2]


def test_the_index_numbers_images_as_the_matrix_does(embedded: Embedded) -> None:
    """Each row finds itself in the index, also after new shards, and after the file was damaged."""
    for damaged in (False, False, True):
        embedded.add()
        if damaged:
            (folder(embedded) / "index").write_bytes(b"no index")
        index, matrix = fresh(embedded).index(embedded.pool_id), read(embedded).matrix
        rows, distances = index.search(np.array(matrix), 1)
        assert rows[:, 0].tolist() == list(range(len(embedded.expected)))
        assert not distances.any()


def test_an_index_of_nothing_is_empty(embedded: Embedded) -> None:
    """The index of a pool without embeddings has no rows, and grows when there are some."""
    assert len(fresh(embedded).index(embedded.pool_id)) == 0
    embedded.add()
    assert len(fresh(embedded).index(embedded.pool_id)) == 3


KILLED_AT_EVERY_LINE = """
import itertools, os, shutil, signal, sys, uuid
from pathlib import Path
from store.blobs import open_blobs
from store.database import Database
from worker.cache import vectors

url, blobs, pool_id, folder = sys.argv[1:]

def read_until(line, folder):
    lines = itertools.count()
    def trace(frame, event, _):
        if frame.f_code.co_filename != vectors.__file__ or frame.f_code.co_name.startswith("<"):
            return None
        if event == "line" and next(lines) == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    vectors.VectorCache(folder, Database(url), open_blobs(blobs)).pool_vectors(uuid.UUID(pool_id))
    os._exit(0)

for line in itertools.count(step=2):
    copy = shutil.copytree(Path(folder, "before"), Path(folder, str(line)))
    if not (child := os.fork()):
        read_until(line, copy)
    if not os.waitpid(child, 0)[1]:
        break
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_may_be_killed_anywhere(embedded: Embedded, tmp_path: Path) -> None:
    """A process is killed before every second line of the code that reads a pool. After each kill, the next
    process has every row once, and every row is correct.
    """
    tools, folders = embedded.tools, tmp_path / "killed"
    embedded.add()
    VectorCache(folders / "before", tools.database, tools.blobs).pool_vectors(embedded.pool_id)
    embedded.add()
    embedded.add()
    arguments = [tools.settings.database, tools.settings.blobs, str(embedded.pool_id), str(folders)]
    subprocess.run([sys.executable, "-c", KILLED_AT_EVERY_LINE, *arguments], check=True)
    killed = [path for path in folders.iterdir() if path.name != "before"]
    assert len(killed) > 20
    for path in killed:
        assert embedded.holds(VectorCache(path, tools.database, tools.blobs).pool_vectors(embedded.pool_id))


READ = """
import sys, uuid
from pathlib import Path
from store.blobs import open_blobs
from store.database import Database
from worker.cache.vectors import VectorCache

url, blobs, pool_id, folder, seen = sys.argv[1:]
vectors, rows = VectorCache(Path(folder), Database(url), open_blobs(blobs)), 0
while rows < 60:
    found = vectors.pool_vectors(uuid.UUID(pool_id))
    assert len(found.image_ids) == len(found.matrix) >= rows
    rows = len(found.matrix)
    Path(seen).write_text(str(rows))
"""


def test_several_processes_share_a_folder(embedded: Embedded, tmp_path: Path) -> None:
    """Three processes read while shards are added: rows appear and none disappear, and all are correct."""
    tools = embedded.tools
    embedded.add()
    seen = [tmp_path / f"seen-{n}" for n in range(3)]
    where = [tools.settings.database, tools.settings.blobs, str(embedded.pool_id), str(tmp_path / "shared")]
    with processes([([sys.executable, "-c", READ, *where, str(path)], {}) for path in seen], tmp_path) as all:
        until(lambda: all_exist(seen), "the readers' first rows")
        for _ in range(19):
            embedded.add()
        until(lambda: [process.poll() for process in all] == [0, 0, 0], "the readers' last rows")
    assert embedded.holds(
        VectorCache(tmp_path / "shared", tools.database, tools.blobs).pool_vectors(embedded.pool_id)
    )


def all_exist(paths: list[Path]) -> bool:
    return all(path.exists() for path in paths)
