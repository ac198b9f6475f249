"""Shards as blobs: arrays of float16 numbers, and new shards without the row of an image."""

import io
import uuid
from typing import Any

import numpy as np
import numpy.typing as npt

from store import blobs, embeddings, jobs
from store.removal import images as removal
from store.tables import Shard, new_id
from worker.attempt import Attempt


def kept(store: blobs.Blobs, features: npt.NDArray[np.floating]) -> str:
    """Keep the features as a blob. Returns its SHA-256."""
    return blobs.put(store, [packed(features)]).sha256


def packed(features: npt.NDArray[np.floating]) -> bytes:
    """The features as a `.npy` file of float16, which can hold all of them: see `EmbeddedBatch`."""
    content = io.BytesIO()
    np.save(content, features.astype(np.float16), allow_pickle=False)
    return content.getvalue()


def remove_from_shards(attempt: Attempt, image_id: uuid.UUID) -> None:
    """Put shards without the image in the place of those that have it, so that no copy of its row stays."""
    with attempt.tools.database.read() as session:
        found = embeddings.shards_with(session, attempt.claim.pool_id, image_id)
    for old in found:
        new = _without(attempt, old, image_id)
        with attempt.tools.database.write() as session:
            jobs.hold(session, attempt.claim)
            if new:
                attempt.tools.blobs.require(*filter(None, [new.sha256, new.patches_sha256]))
            removal.replace_shard(session, old, new)


def _without(attempt: Attempt, old: Shard, image_id: uuid.UUID) -> Shard | None:
    """A shard of the other images of a shard; None if there are none."""
    rows = [row for row, other in enumerate(old.image_ids) if other != image_id.hex]
    if not rows:
        return None
    values: dict[str, Any] = {"pool_id": old.pool_id, "job_id": old.job_id}
    for name in ("sha256", "patches_sha256"):
        if digest := getattr(old, name):
            with attempt.tools.blobs.open(digest) as file:
                values[name] = kept(attempt.tools.blobs, np.load(file, allow_pickle=False)[rows])
    return Shard(id=new_id(), image_ids=[old.image_ids[row] for row in rows], **values)
