"""Check that a pool has embedded images to compare with."""

from uuid import UUID

from service.http.problems import ImageNotEmbedded, PoolEmpty
from service.jobs.enqueue import pool_not_embedded
from service.lookups import found_pool
from service.runtime import Service
from store import selections
from store.states import SPLITS


def require_embedded(service: Service, pool_id: UUID) -> None:
    """Raise a Problem if the pool has no embedded image."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        if selections.shard_count(session, pool_id):
            return
        images = sum(selections.image_count(session, pool_id, split) for split in SPLITS)
        waiting = selections.waiting(session, pool_id, SPLITS)
    if images == 0:
        raise PoolEmpty("The pool has no photo to compare with: upload photos first.")
    if waiting:
        raise pool_not_embedded(
            service, pool_id, "No photo of the pool is embedded yet: ask again in a moment."
        )
    raise ImageNotEmbedded(
        f"None of the pool's photos could be embedded: GET /pools/{pool_id}/images gives the reason for each."
    )
