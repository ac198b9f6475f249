"""Embed jobs: turn photos into immutable shards of embeddings. A shard is committed as soon as it is full."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.encoders import EmbeddedBatch, embed_batches
from store import embeddings, jobs
from store.tables import Image, Pool, new_id
from worker.arrays import kept
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent
from worker.shards import remove_from_shards

SHARD_IMAGES = 64
"""The size at which a shard is committed: the work of a few seconds, which is what a killed worker loses."""


def embed(attempt: Attempt) -> Outcome:
    """Embed the job's images that no earlier attempt committed."""
    claim, tools = attempt.claim, attempt.tools
    with tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        images = embeddings.images_of_job(session, claim.job_id)
    encoder = tools.networks.encoder(pool.encoder)
    if pool.weights_digest not in (None, encoder.weights_digest):
        raise weights_mismatch(pool, encoder.weights_digest)

    waiting = [image for image in images if not (image.shard_id or image.embed_error)]
    if claim.spec.get("replaced"):
        for image in waiting:
            remove_from_shards(attempt, image.id)
    before = len(images) - len(waiting)
    batches: list[EmbeddedBatch] = []
    with attempt.files(image.sha256 for image in waiting) as paths:
        for batch in embed_batches(encoder, paths):
            attempt.progress(before + batch.stop, len(images))
            batches.append(batch)
            if batch.stop - batches[0].start >= SHARD_IMAGES or batch.stop == len(waiting):
                _commit(attempt, pool, encoder.weights_digest, waiting, batches)
                batches = []
    with tools.database.read() as session:
        return Outcome(_result(embeddings.images_of_job(session, claim.job_id)))


def _commit(
    attempt: Attempt,
    pool: Pool,
    weights_digest: str,
    images: Sequence[Image],
    batches: Sequence[EmbeddedBatch],
) -> None:
    """Write a shard and the reasons why images could not be embedded, if this attempt still owns the job.

    The batches count places in `images`. Raises LeaseLost.
    """
    claim, tools = attempt.claim, attempt.tools
    reasons = {images[failure.index].id: failure.reason for batch in batches for failure in batch.failures}
    tried = images[batches[0].start : batches[-1].stop]
    embedded = [image.id for image in tried if image.id not in reasons]
    sha256, patches_sha256 = "", None
    if embedded:
        sha256 = kept(tools.blobs, np.concatenate([batch.embeddings for batch in batches]))
        if patches := [batch.patches for batch in batches if batch.patches is not None]:
            patches_sha256 = kept(tools.blobs, np.concatenate(patches))
    with tools.database.write() as session:
        jobs.hold(session, claim)
        tools.blobs.require(*filter(None, [sha256, patches_sha256]))
        embeddings.mark_unembeddable(session, reasons)
        if not embedded:
            return
        if not embeddings.accept_weights(session, claim.pool_id, weights_digest):
            raise weights_mismatch(pool, weights_digest)
        embeddings.add_shard(
            session,
            id=new_id(),
            pool_id=claim.pool_id,
            job_id=claim.job_id,
            sha256=sha256,
            image_ids=embedded,
            patches_sha256=patches_sha256,
        )


def _result(images: Sequence[Image]) -> dict[str, Any]:
    shard_ids = sorted({str(image.shard_id) for image in images if image.shard_id})
    failed = [
        {"image_id": str(image.id), "reason": image.embed_error} for image in images if image.embed_error
    ]
    return {"shard_ids": shard_ids, "embedded": len(images) - len(failed), "failed": failed}


def weights_mismatch(pool: Pool, digest: str) -> Permanent:
    """The error of a job whose worker has other encoder weights than the pool was embedded with."""
    return Permanent(
        "encoder-mismatch",
        f"The pool {pool.name} was embedded with other weights of {pool.encoder} than this worker has "
        f"(SHA-256 {digest[:16]}…). Give every worker the same weights file.",
    )
