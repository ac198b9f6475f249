import io
import threading
import uuid

import numpy as np

from store import embeddings
from store.tables import Image, Pool
from tests.worker.factories import Pools, scene
from worker.attempt import Tools
from worker.run import run


def image(tools: Tools, image_id: uuid.UUID) -> Image:
    with tools.database.read() as session:
        return session.get_one(Image, image_id)


def test_an_embed_job_writes_one_shard_in_image_order(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """Row n of the shard is the encoder's embedding of image n; the images and the pool say so."""
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [scene(seed)[0] for seed in range(5)])

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert (job.state, job.error, job.done) == ("succeeded", None, 5)
    with tools.database.read() as session:
        [shard] = embeddings.shards(session, pool_id)
        digest = session.get_one(Pool, pool_id).weights_digest
    assert job.result == {"shard_id": str(shard.id), "embedded": 5, "failed": []}
    assert shard.image_ids == [id.hex for id in ids]
    assert {image(tools, id).shard_id for id in ids} == {shard.id}
    encoder = tools.loaded.encoder("efficientnet_lite0")
    assert digest == encoder.weights_digest
    with tools.blobs.open(shard.sha256) as file:
        rows = np.load(io.BytesIO(file.read()), allow_pickle=False)
    assert rows.shape == (5, 1280)
    assert rows.dtype == np.float32
    [alone] = embed_alone(tools, ids[3])
    np.testing.assert_allclose(rows[3], alone, atol=1e-4)


def embed_alone(tools: Tools, image_id: uuid.UUID) -> np.ndarray:
    from PIL import Image as Picture

    with tools.blobs.open(image(tools, image_id).sha256) as file:
        photo = Picture.open(file).convert("RGB").resize((256, 256), Picture.Resampling.BILINEAR)
    return tools.loaded.encoder("efficientnet_lite0").encode(np.asarray(photo)[None])


def test_a_photo_that_cannot_be_decoded_never_stops_the_others(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """A damaged photo gets a reason; the shard holds the rest."""
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
    with tools.database.read() as session:
        assert [i.id for i in embeddings.embedded_train_images(session, pool_id)] == [ids[0], ids[2]]


def test_a_blob_that_is_not_there_is_no_fault_of_the_photo(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """As when a disk is not mounted: the job is queued again, and embeds the photo once its blob is back."""
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
    """Nothing to embed is no failure: every image has its reason, and there is no shard."""
    pool_id = pools.pool()
    job_id, ids = pools.photos(pool_id, [b"not a photo"])

    run(job_id, tools, shutdown)

    result = pools.get(job_id).result
    assert result
    assert (result["shard_id"], result["embedded"]) == (None, 0)
    assert image(tools, ids[0]).embed_error


def test_other_weights_than_the_first_shards_are_refused(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """A pool embedded with other weights fails the job for good and gets no shard: encoders never mix."""
    pool_id = pools.pool(weights_digest="0" * 64)
    job_id, _ = pools.photos(pool_id, [scene(1)[0]])

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "encoder-mismatch"
    with tools.database.read() as session:
        assert not embeddings.shards(session, pool_id)


def test_two_first_shards_with_different_weights_cannot_both_settle(tools: Tools, pools: Pools) -> None:
    """Whichever worker commits first settles the pool's weights; the other is told."""
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
    tools.loaded._settings = settings
    job_id, _ = pools.photos(pools.pool(encoder="resnet50"), [scene(1)[0]])

    run(job_id, tools, shutdown)

    error = pools.get(job_id).error
    assert error
    assert error["type"] == "weights-unavailable"
    assert "none.pth" in error["detail"]


def test_embedding_again_after_a_lost_commit_leaves_one_shard(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """A job that ended is not claimed again, however often it is rung for."""
    pool_id = pools.pool()
    job_id, _ = pools.photos(pool_id, [scene(1)[0]])

    for _ in range(3):
        run(job_id, tools, shutdown)

    with tools.database.read() as session:
        assert len(embeddings.shards(session, pool_id)) == 1
    assert pools.get(job_id).attempt == 1
