"""Embed jobs: photos in, one immutable shard of embeddings out."""

import io

import numpy as np
from sqlalchemy.orm import Session

from models.encoders import embed_files
from store import blobs, embeddings
from store.tables import Pool, new_id
from worker.attempt import Attempt, Outcome
from worker.endings import Permanent


def embed(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    with tools.database.read() as session:
        pool = session.get_one(Pool, claim.pool_id)
        images = embeddings.images_of_job(session, claim.job_id)
    encoder = tools.loaded.encoder(pool.encoder)
    if pool.weights_digest not in (None, encoder.weights_digest):
        raise _mismatch(pool, encoder.weights_digest)

    with attempt.files(image.sha256 for image in images) as paths:
        vectors, failures = embed_files(encoder, paths, on_progress=attempt.progress)
    reasons = {images[failure.index].id: failure.reason for failure in failures}
    embedded = [image.id for image in images if image.id not in reasons]
    result = {
        "shard_id": None,
        "embedded": len(embedded),
        "failed": [{"image_id": str(image_id), "reason": reason} for image_id, reason in reasons.items()],
    }
    if not embedded:
        return Outcome(result, lambda session: embeddings.mark_unembeddable(session, reasons))

    shard_id = new_id()
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    blob = blobs.put(tools.blobs, [content.getvalue()])

    def save(session: Session) -> None:
        if not embeddings.accept_weights(session, claim.pool_id, encoder.weights_digest):
            raise _mismatch(pool, encoder.weights_digest)
        embeddings.add_shard(
            session,
            id=shard_id,
            pool_id=claim.pool_id,
            job_id=claim.job_id,
            sha256=blob.sha256,
            image_ids=embedded,
        )
        embeddings.mark_unembeddable(session, reasons)

    return Outcome({**result, "shard_id": str(shard_id)}, save)


def _mismatch(pool: Pool, digest: str) -> Permanent:
    return Permanent(
        "encoder-mismatch",
        f"The pool {pool.name} was embedded with other weights of {pool.encoder} than this worker has "
        f"(SHA-256 {digest[:16]}…). Give every worker the same weights file.",
    )
