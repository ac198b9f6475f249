"""Embed jobs: what they commit, what they refuse, and what a killed one leaves to the next attempt."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select

from models.encoders import Encoder
from models.encoders.runners import Features
from store import embeddings, jobs
from store.tables import Image, Pool, Shard
from tests.models.encoding import TIMM, normalised_network, weights_for_tests
from tests.processes import until
from tests.worker.factories import Pools, scene
from worker.attempt import Tools
from worker.handlers.embed import SHARD_IMAGES
from worker.run import run

Photos = npt.NDArray[np.uint8]


def image(tools: Tools, image_id: uuid.UUID) -> Image:
    with tools.database.read() as session:
        return session.get_one(Image, image_id)


def test_a_shard_holds_its_images_in_their_order(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Row n of the shard is the encoder's embedding of image n. The images name the shard, and the pool names
    the weights.
    """
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [scene(seed)[0] for seed in range(5)])

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert (job.state, job.error, job.done) == ("succeeded", None, 5)
    [shard] = shards_of(tools, pool_id)
    with tools.database.read() as session:
        digest = session.get_one(Pool, pool_id).weights_digest
    assert job.result == {"shard_ids": [str(shard.id)], "embedded": 5, "failed": []}
    assert shard.image_ids == [id.hex for id in ids]
    assert {image(tools, id).shard_id for id in ids} == {shard.id}
    encoder = tools.networks.encoder("efficientnet_lite0")
    assert digest == encoder.weights_digest
    with tools.blobs.open(shard.sha256) as file:
        rows = np.load(io.BytesIO(file.read()), allow_pickle=False)
    assert rows.shape == (5, 1280)
    assert rows.dtype == np.float16
    [alone] = embed_alone(tools, ids[3])
    assert np.linalg.norm(rows[3] - alone) < 1e-3 * np.linalg.norm(alone)


def embed_alone(tools: Tools, image_id: uuid.UUID) -> np.ndarray:
    from PIL import Image as Picture

    with tools.blobs.open(image(tools, image_id).sha256) as file:
        photo = Picture.open(file).convert("RGB").resize((256, 256), Picture.Resampling.BILINEAR)
    return tools.networks.encoder("efficientnet_lite0").encode(np.asarray(photo)[None])


def test_a_photo_that_cannot_be_decoded_never_stops_the_others(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """A damaged photo gets an error, and the shard holds the other photos."""
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [scene(1)[0], scene(2)[0][:300], scene(3)[0]])

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "succeeded"
    assert job.result
    assert job.result["embedded"] == 2
    assert [failure["image_id"] for failure in job.result["failed"]] == [str(ids[1])]
    assert image(tools, ids[1]).embed_error
    assert image(tools, ids[1]).shard_id is None
    assert [shard.image_ids for shard in shards_of(tools, pool_id)] == [[ids[0].hex, ids[2].hex]]


def test_a_missing_blob_is_no_fault_of_the_photo(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """If a blob is missing, as when a disk is not mounted, the job is queued again, and embeds the photo when
    its blob is back.
    """
    job_id, [photo_id] = pools.photos(pools.pool(), [scene(1)[0]])
    sha256 = image(tools, photo_id).sha256
    blob = tools.settings.data_dir / "blobs" / sha256[:2] / sha256
    away = blob.rename(tools.settings.data_dir / "away")

    run(job_id, tools, shutdown)
    job = pools.get(job_id)
    assert (job.state, job.error and job.error["type"]) == ("queued", "blob-missing")
    assert image(tools, photo_id).embed_error is None

    away.rename(blob)
    run(job_id, tools, shutdown)
    assert pools.get(job_id).state == "succeeded"
    assert image(tools, photo_id).shard_id


def test_a_job_of_undecodable_photos_succeeds_without_a_shard(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """A job without a usable photo does not fail: every image has its error, and there is no shard."""
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [b"not a photo"])

    run(job_id, tools, shutdown)

    result = pools.get(job_id).result
    assert result
    assert (result["shard_ids"], result["embedded"]) == ([], 0)
    assert image(tools, ids[0]).embed_error


def test_other_weights_than_the_first_shards_are_refused(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """If the pool was embedded with other weights, the job fails for good: encoders are never mixed."""
    pool_id = pools.pool(weights_digest="0" * 64)
    job_id, _ = pools.photos(pool_id, [scene(1)[0]])

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "encoder-mismatch"
    assert shards_of(tools, pool_id) == []


def test_two_first_shards_with_different_weights_cannot_both_settle(tools: Tools, pools: Pools) -> None:
    """The weights that are accepted first are the pool's; other weights are refused."""
    pool_id = pools.pool()
    with tools.database.write() as session:
        assert embeddings.accept_weights(session, pool_id, "a" * 64)
        assert embeddings.accept_weights(session, pool_id, "a" * 64)
        assert not embeddings.accept_weights(session, pool_id, "b" * 64)


def test_missing_weights_fail_the_job_with_what_to_do(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Without the encoder's weights the job fails as weights-unavailable, and says which file is missing."""
    settings = tools.settings.model_copy(update={"resnet50_weights": tools.settings.data_dir / "none.pth"})
    tools.networks._settings = settings
    job_id, _ = pools.photos(pools.pool(encoder="resnet50"), [scene(1)[0]])

    run(job_id, tools, shutdown)

    error = pools.get(job_id).error
    assert error
    assert error["type"] == "weights-unavailable"
    assert "none.pth" in error["detail"]


def test_a_job_that_ended_is_not_run_again(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """A job that ended is not claimed again, however often it is rung for."""
    pool_id = pools.pool()
    job_id, _ = pools.photos(pool_id, [scene(1)[0]])

    for _ in range(3):
        run(job_id, tools, shutdown)

    assert len(shards_of(tools, pool_id)) == 1
    assert pools.get(job_id).attempt == 1


@dataclass
class Counted:
    """Counts the photos that it encodes, with the given encoder or as their mean colours."""

    encoder: Encoder | None = None
    name: str = "efficientnet_lite0"
    dimension: int = 3
    weights_digest: str = "c" * 64
    device: str = "cpu"
    threads: int = 1
    photos: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.encoder:
            self.dimension, self.weights_digest = self.encoder.dimension, self.encoder.weights_digest

    def features(self, photos: Photos) -> Features:
        self.photos += len(photos)
        if self.encoder:
            return self.encoder.features(photos)
        return Features(photos.mean(axis=(1, 2)).astype(np.float32))


def use(tools: Tools, encoder: Counted) -> None:
    tools.networks.encoder = lambda name: encoder  # type: ignore[assignment]


def shards_of(tools: Tools, pool_id: uuid.UUID) -> Sequence[Shard]:
    with tools.database.read() as session:
        return session.scalars(select(Shard).where(Shard.pool_id == pool_id).order_by(Shard.id)).all()


def test_shards_are_committed_as_they_come(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """A job writes one shard for `SHARD_IMAGES` photos; a bad file makes its shard one image shorter."""
    use(tools, Counted())
    pool_id, good = pools.pool(), scene(1)[0]
    contents = [good] * 10 + [b"not a photo"] + [good] * (2 * SHARD_IMAGES)
    job_id, ids = pools.photos(pool_id, contents)

    run(job_id, tools, shutdown)

    shards = shards_of(tools, pool_id)
    assert [len(shard.image_ids) for shard in shards] == [SHARD_IMAGES - 1, SHARD_IMAGES, 11]
    assert [id for shard in shards for id in shard.image_ids] == [id.hex for id in ids if id != ids[10]]
    result = pools.get(job_id).result
    assert result
    assert result["shard_ids"] == [str(shard.id) for shard in shards]
    assert (result["embedded"], len(result["failed"])) == (2 * SHARD_IMAGES + 10, 1)


@pytest.mark.parametrize("feature", [np.nan, np.inf, 70_000.0])
def test_features_that_are_not_finite_cost_their_photo_alone(
    tools: Tools, pools: Pools, shutdown: threading.Event, feature: float
) -> None:
    """The photo gets an error and is in no shard, and the pool's index has the others."""

    class Odd(Counted):
        def features(self, photos: Photos) -> Features:
            features = super().features(photos)
            features.embeddings[1, 2] = feature
            return features

    use(tools, Odd())
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [b"not a photo", *(scene(seed)[0] for seed in range(3))])
    run(job_id, tools, shutdown)

    result = pools.get(job_id).result
    assert result
    assert [failure["image_id"] for failure in result["failed"]] == [str(ids[0]), str(ids[2])]
    assert image(tools, ids[2]).embed_error == "the encoder gave no finite features"
    [shard] = shards_of(tools, pool_id)
    assert shard.image_ids == [ids[1].hex, ids[3].hex]
    with tools.blobs.open(shard.sha256) as file:
        rows = np.load(file)
    assert rows.dtype == np.float16
    assert np.isfinite(rows).all()
    assert len(tools.vectors.index(pool_id)) == 2


def test_an_attempt_that_lost_its_job_commits_nothing(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """If another attempt takes the job while a shard is computed, no shard is added, no image is marked."""
    pool_id = pools.pool()
    job_id, [photo_id] = pools.photos(pool_id, [scene(1)[0]])

    class Slow(Counted):
        def features(self, photos: Photos) -> Features:
            with tools.database.write() as session:
                session.get_one(jobs.Job, job_id).attempt += 1
            return super().features(photos)

    use(tools, Slow())
    run(job_id, tools, shutdown)

    assert shards_of(tools, pool_id) == []
    assert image(tools, photo_id).shard_id is None
    with tools.database.read() as session:
        assert session.get_one(Pool, pool_id).weights_digest is None


RUN = """
import sys, threading, uuid
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run

settings = Settings()
database, blobs = Database(settings.database), open_blobs(settings.blobs)
tools = Tools(settings, database, blobs, Networks(settings, database, blobs))
run(uuid.UUID(sys.argv[1]), tools, threading.Event())
"""


def test_a_killed_worker_loses_no_shard(tools: Tools, pools: Pools, shutdown: threading.Event) -> None:
    """After a kill -9 in the middle, the next attempt encodes only the images that were not committed."""
    tools.networks.encoder("efficientnet_lite0")  # exports it, so that the subprocess need not
    pool_id, count = pools.pool(), 4 * SHARD_IMAGES
    job_id, ids = pools.photos(pool_id, [scene(seed % 4)[0] for seed in range(count)])
    environment = os.environ | {
        "FEWPAIRS_DATA_DIR": str(tools.settings.data_dir),
        "FEWPAIRS_DATABASE_URL": tools.settings.database,
        "FEWPAIRS_DEVICE": "cpu",
        "FEWPAIRS_LEASE_S": "1",
    }
    worker = subprocess.Popen([sys.executable, "-c", RUN, str(job_id)], env=environment)
    try:
        until(lambda: shards_of(tools, pool_id) or worker.poll() is not None, "the first shard")
    finally:
        worker.kill()
        worker.wait()
    kept = {shard.id: shard.image_ids for shard in shards_of(tools, pool_id)}
    committed = sum(map(len, kept.values()))
    assert 0 < committed < count
    assert pools.get(job_id).state == "running"

    def swept() -> bool:
        with tools.database.write() as session:
            jobs.sweep(session, ring_again_s=1)
        return pools.get(job_id).state == "queued"

    until(swept, "the end of the lease")
    use(tools, counted := Counted(tools.networks.encoder("efficientnet_lite0")))
    run(job_id, tools, shutdown)

    assert pools.get(job_id).state == "succeeded"
    assert counted.photos == count - committed
    shards = {shard.id: shard.image_ids for shard in shards_of(tools, pool_id)}
    assert kept.items() <= shards.items()
    assert sorted(id for rows in shards.values() for id in rows) == [id.hex for id in ids]
    result = pools.get(job_id).result
    assert result
    assert result["shard_ids"] == sorted(map(str, shards))


def test_an_onnx_file_of_the_operators_folder_embeds_a_pool(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """The pool records the digest of the file; without the file, the error names the path that was tried."""
    pool_id = pools.pool(encoder="onnx:net.onnx")
    missing, _ = pools.photos(pool_id, [scene(1)[0]])
    run(missing, tools, shutdown)
    error = pools.get(missing).error
    assert error
    assert error["type"] == "weights-unavailable"
    assert str(tools.settings.data_dir / "encoders" / "net.onnx") in error["detail"]

    tools.settings.encoders.mkdir()
    file = tools.settings.encoders / "net.onnx"
    normalised_network(file)
    job_id, _ = pools.photos(pool_id, [scene(1)[0]])
    run(job_id, tools, shutdown)
    assert pools.get(job_id).state == "succeeded"
    with tools.database.read() as session:
        digest = session.get_one(Pool, pool_id).weights_digest
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_weights_of_timm_may_lie_in_the_operators_folder(
    tools: Tools, pools: Pools, shutdown: threading.Event, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """NAME.pth is used instead of a download."""
    tools.settings.encoders.mkdir()
    weights = weights_for_tests(f"timm:{TIMM}", tmp_path_factory)
    shutil.copy(weights, tools.settings.encoders / f"{TIMM}.pth")
    job_id, [photo_id] = pools.photos(pools.pool(encoder=f"timm:{TIMM}"), [scene(1)[0]])
    run(job_id, tools, shutdown)
    assert pools.get(job_id).state == "succeeded"
    assert image(tools, photo_id).shard_id
