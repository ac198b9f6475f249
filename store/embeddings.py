"""Embeddings of a pool: the images that a job embeds, and the shards that hold the result.

A shard's blobs are `.npy` files of finite float16 numbers: the embeddings (N, D), and the features of the
images' patches (N, P, D) if the encoder gives them.
"""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import Text, cast, or_, select, update
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
    patches_sha256: str | None = None,
) -> None:
    """Add the shard whose row n is the embedding of `image_ids[n]`, and mark those images embedded.

    Raises LookupError if one of the images has been removed.
    """
    shard = Shard(id=id, pool_id=pool_id, job_id=job_id, sha256=sha256, patches_sha256=patches_sha256)
    shard.image_ids = [image_id.hex for image_id in image_ids]
    session.add(shard)
    session.flush()
    marked = session.scalars(
        update(Image)
        .where(Image.embed_job_id == job_id, Image.id.in_(image_ids))
        .values(shard_id=id)
        .returning(Image.id)
    ).all()
    if len(marked) < len(image_ids):
        raise LookupError("photos of the job were deleted in the meantime")


def mark_unembeddable(session: Session, reasons: Mapping[uuid.UUID, str]) -> None:
    """Record why images could not be embedded; such images are never selected."""
    for image_id, reason in reasons.items():
        session.execute(update(Image).where(Image.id == image_id).values(embed_error=reason))


def shard_ids(session: Session, pool_id: uuid.UUID) -> Sequence[uuid.UUID]:
    return session.scalars(select(Shard.id).where(Shard.pool_id == pool_id).order_by(Shard.id)).all()


def shard(session: Session, shard_id: uuid.UUID) -> Shard:
    return session.get_one(Shard, shard_id)


def shards_with(session: Session, pool_id: uuid.UUID, image_id: uuid.UUID) -> Sequence[Shard]:
    """The shards that have a row of the image: at most one, but for the time that a replaced photo waits."""
    query = select(Shard).where(Shard.pool_id == pool_id, cast(Shard.image_ids, Text).contains(image_id.hex))
    return session.scalars(query).all()


def shards_without_patches(session: Session, pool_id: uuid.UUID) -> Sequence[Shard]:
    """The shards whose images' patches have not been computed: they are older than this part of the program,
    or their encoder gives none.
    """
    query = select(Shard).where(Shard.pool_id == pool_id, Shard.patches_sha256.is_(None))
    return session.scalars(query.order_by(Shard.id)).all()


def photo_digests(session: Session, shard: Shard) -> list[str]:
    """The SHA-256 of the photos of a shard, in the order of its rows."""
    rows = session.execute(select(Image.id, Image.sha256).where(Image.shard_id == shard.id)).all()
    digest_of = {image_id.hex: sha256 for image_id, sha256 in rows}
    return [digest_of[image_id] for image_id in shard.image_ids]


def add_patches(session: Session, shard_id: uuid.UUID, sha256: str) -> None:
    """Record the patches of a shard that had none."""
    session.execute(update(Shard).where(Shard.id == shard_id).values(patches_sha256=sha256))
