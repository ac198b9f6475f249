"""Digests of what a pool's selections depend on, kept in memory until something is added to the pool."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from store import selections
from store.selections import AnnotationsState, ImagesState, State

MOST_ENTRIES = 256


@dataclass
class _Entry:
    """The state of one split; each part with the row counts at the time it was read."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    images: tuple[int, ImagesState] | None = None
    annotations: tuple[tuple[int, int], AnnotationsState] | None = None


class StateCache:
    """The states of pools' splits. Rows are read and hashed again only when their count changed, and then by
    one thread while the others wait for its result."""

    def __init__(self) -> None:
        self._entries: dict[tuple[UUID, str], _Entry] = {}
        self._lock = threading.Lock()

    def of(self, session: Session, pool_id: UUID, splits: Sequence[str]) -> list[State]:
        """The state of each split."""
        shards = selections.shard_count(session, pool_id)
        counts = shards, selections.annotation_count(session)
        return [self._state(session, pool_id, split, counts) for split in splits]

    def _state(self, session: Session, pool_id: UUID, split: str, counts: tuple[int, int]) -> State:
        entry, shards = self._entry(pool_id, split), counts[0]
        with entry.lock:
            if entry.images is None or entry.images[0] != shards:
                entry.images = shards, selections.images_state(session, pool_id, split)
            if entry.annotations is None or entry.annotations[0] != counts:
                entry.annotations = counts, selections.annotations_state(session, pool_id, split)
            return State(entry.images[1], entry.annotations[1])

    def _entry(self, pool_id: UUID, split: str) -> _Entry:
        """The split's entry, marked as most recently used; evicts the least recently used."""
        with self._lock:
            entry = self._entries.pop((pool_id, split), None) or _Entry()
            self._entries[pool_id, split] = entry
            if len(self._entries) > MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
            return entry
