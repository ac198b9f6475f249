"""What a pool's selections depend on, kept in memory until something is added to the pool."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from store import selections
from store.selections import AnnotationsState, ImagesState, State

MOST_SPLITS = 256


@dataclass
class _Split:
    """The state of a split, each part with the counts as of which it was read."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    images: tuple[int, ImagesState] | None = None
    annotations: tuple[tuple[int, int], AnnotationsState] | None = None


class States:
    """The states of pools' splits. All rows are read and hashed only when there are more, by one thread."""

    def __init__(self) -> None:
        self._splits: dict[tuple[UUID, str], _Split] = {}
        self._lock = threading.Lock()

    def of(self, session: Session, pool_id: UUID, splits: Sequence[str]) -> list[State]:
        """The state of each split."""
        shards = selections.shard_count(session, pool_id)
        counts = shards, selections.annotation_count(session)
        return [self._state(session, pool_id, split, counts) for split in splits]

    def _state(self, session: Session, pool_id: UUID, split: str, counts: tuple[int, int]) -> State:
        known, shards = self._known(pool_id, split), counts[0]
        with known.lock:
            if known.images is None or known.images[0] != shards:
                known.images = shards, selections.images_state(session, pool_id, split)
            if known.annotations is None or known.annotations[0] != counts:
                known.annotations = counts, selections.annotations_state(session, pool_id, split)
            return State(known.images[1], known.annotations[1])

    def _known(self, pool_id: UUID, split: str) -> _Split:
        """That of the split, which is now the one asked for last; the one asked for longest ago may go."""
        with self._lock:
            known = self._splits.pop((pool_id, split), None) or _Split()
            self._splits[pool_id, split] = known
            if len(self._splits) > MOST_SPLITS:
                del self._splits[next(iter(self._splits))]
            return known
