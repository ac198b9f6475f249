"""Pools whose embeddings are given instead of computed."""

import io
import uuid
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import update

from store import blobs, embeddings
from store.tables import Image, new_id
from tests.worker.factories import Pools, scene

WEIGHTS = "0" * 64


def planted(
    pools: Pools,
    pool_id: uuid.UUID,
    vectors: npt.ArrayLike,
    split: str = "train",
    names: Sequence[str] = (),
) -> list[uuid.UUID]:
    """Add an image for each of the vectors, (N, D), in one shard. Returns their ids. Each vector is also what
    the image's two patches look like.
    """
    job_id, ids = pools.photos(pool_id, [scene(seed)[0] for seed in range(len(np.asarray(vectors)))], split)
    add_shard(pools, pool_id, job_id, ids, vectors)
    with pools.tools.database.write() as session:
        for image_id, name in zip(ids, names, strict=False):
            session.execute(update(Image).where(Image.id == image_id).values(name=name))
    return ids


def add_shard(
    pools: Pools, pool_id: uuid.UUID, job_id: uuid.UUID, ids: Sequence[uuid.UUID], vectors: npt.ArrayLike
) -> None:
    """Add a shard with these vectors, (N, D), as the embeddings and the patches of the job's images."""
    rows = np.asarray(vectors, np.float16)
    sha256, patches_sha256 = (_blob(pools, each) for each in (rows, patches_of(rows)))
    with pools.tools.database.write() as session:
        embeddings.accept_weights(session, pool_id, WEIGHTS)
        embeddings.add_shard(
            session,
            id=new_id(),
            pool_id=pool_id,
            job_id=job_id,
            sha256=sha256,
            image_ids=ids,
            patches_sha256=patches_sha256,
        )


def patches_of(vectors: npt.NDArray[np.float16]) -> npt.NDArray[np.float16]:
    """Two patches for each image, which look like its vector: (N, 2, D)."""
    return np.stack([vectors, vectors], axis=1)


def _blob(pools: Pools, values: npt.NDArray[np.float16]) -> str:
    content = io.BytesIO()
    np.save(content, values)
    return blobs.put(pools.tools.blobs, [content.getvalue()]).sha256
