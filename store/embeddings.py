"""Embeddings of a pool: the images that a job embeds, and the shards that hold the result.

A shard's blob is a `.npy` file of finite float16 numbers, (N, D).
"""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from store.tables import Image, Pool, Shard


def images_of_job(session: Session, job_id: uuid.UUID) -> Sequence[Image]:
    """The images of an embed job, in the order of their ids."""
    return session.scalars(select(Image).where(Image.embed_job_id == job_id).order_by(Image.id)).all()


def accept_weights(session: Session, pool_id: uuid.UUID, digest: str) -> bool:
    """Record the encoder weights of the pool with its first shard. False: others are recorded already."""
    settled = session.execute(
        update(Pool)
        .where(Pool.id == pool_id, or_(Pool.weights_digest.is_(None), Pool.weights_digest == digest))
        .values(weights_digest=digest)
        .returning(Pool.id)
    )
    return settled.one_or_none() is not None


def add_shard(
    session: Session,
    *,
    id: uuid.UUID,
    pool_id: uuid.UUID,
    job_id: uuid.UUID,
    sha256: str,
    image_ids: Sequence[uuid.UUID],
) -> None:
    """Add the shard whose row n is the embedding of `image_ids[n]`, and mark those images embedded."""
    hex_ids = [image_id.hex for image_id in image_ids]
    session.add(Shard(id=id, pool_id=pool_id, job_id=job_id, sha256=sha256, image_ids=hex_ids))
    session.flush()
    session.execute(
        update(Image).where(Image.embed_job_id == job_id, Image.id.in_(image_ids)).values(shard_id=id)
    )


def mark_unembeddable(session: Session, reasons: Mapping[uuid.UUID, str]) -> None:
    """Record why images could not be embedded; such images are never selected."""
    for image_id, reason in reasons.items():
        session.execute(update(Image).where(Image.id == image_id).values(embed_error=reason))


def shard_ids(session: Session, pool_id: uuid.UUID) -> Sequence[uuid.UUID]:
    return session.scalars(select(Shard.id).where(Shard.pool_id == pool_id).order_by(Shard.id)).all()


def shard(session: Session, shard_id: uuid.UUID) -> Shard:
    return session.get_one(Shard, shard_id)
