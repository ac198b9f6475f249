"""New shards without the row of an image."""

import uuid
from typing import Any

from store import embeddings, jobs
from store.removal import images as removal
from store.tables import Shard, new_id
from worker.arrays import array, kept
from worker.attempt import Attempt


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
            values[name] = kept(attempt.tools.blobs, array(attempt.tools.blobs, digest)[rows])
    return Shard(id=new_id(), image_ids=[old.image_ids[row] for row in rows], **values)
