"""Digests of what a pool's selections depend on, kept in memory until the pool changes."""

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
    """The state of one split; each part with what told that it had changed when it was read."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    images: tuple[str, ImagesState] | None = None
    annotations: tuple[tuple[str, int], AnnotationsState] | None = None


class StateCache:
    """The states of pools' splits. Rows are read and hashed again only after a change, and then by one thread
    while the others wait for its result."""

    def __init__(self) -> None:
        self._entries: dict[tuple[UUID, str], _Entry] = {}
        self._lock = threading.Lock()

    def of(self, session: Session, pool_id: UUID, splits: Sequence[str]) -> list[State]:
        """The state of each split."""
        now = selections.version(session, pool_id), selections.annotation_count(session)
        return [self._state(session, pool_id, split, now) for split in splits]

    def forget(self, pool_id: UUID) -> None:
        """Nobody asks about the pool any more."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == pool_id]:
                del self._entries[key]

    def _state(self, session: Session, pool_id: UUID, split: str, now: tuple[str, int]) -> State:
        entry, version = self._entry(pool_id, split), now[0]
        with entry.lock:
            if entry.images is None or entry.images[0] != version:
                entry.images = version, selections.images_state(session, pool_id, split)
            if entry.annotations is None or entry.annotations[0] != now:
                entry.annotations = now, selections.annotations_state(session, pool_id, split)
            return State(entry.images[1], entry.annotations[1])

    def _entry(self, pool_id: UUID, split: str) -> _Entry:
        """The split's entry, marked as most recently used; evicts the least recently used."""
        with self._lock:
            entry = self._entries.pop((pool_id, split), None) or _Entry()
            self._entries[pool_id, split] = entry
            if len(self._entries) > MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
            return entry
