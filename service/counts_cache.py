"""What is in each pool, kept in memory until something is done to the pool."""

import threading
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from store import pools
from store.pools import PoolCounts, Version

MOST_ENTRIES = 1024


class CountsCache:
    """Counting looks at every photo and annotation, so it is done once for each version of a pool."""

    def __init__(self) -> None:
        self._entries: dict[UUID, tuple[Version, PoolCounts]] = {}
        self._lock = threading.Lock()

    def of(self, session: Session, pool_ids: Iterable[UUID]) -> Mapping[UUID, PoolCounts]:
        """The counts of each pool, which nobody may change."""
        versions = pools.versions(session, pool_ids)
        with self._lock:
            entries = {pool_id: self._entries.get(pool_id) for pool_id in versions}
        found = {
            pool_id: entry[1] for pool_id, entry in entries.items() if entry and entry[0] == versions[pool_id]
        }
        if missing := versions.keys() - found.keys():
            counted = pools.counts(session, missing)
            new = {pool_id: counted.get(pool_id, PoolCounts()) for pool_id in missing}
            with self._lock:
                for pool_id, counts in new.items():
                    self._entries.pop(pool_id, None)
                    self._entries[pool_id] = versions[pool_id], counts
                while len(self._entries) > MOST_ENTRIES:
                    del self._entries[next(iter(self._entries))]
            found |= new
        return found

    def forget(self, pool_id: UUID) -> None:
        """Nobody asks about the pool any more."""
        with self._lock:
            self._entries.pop(pool_id, None)
