"""What happens in pools, for those who follow them. The task that watches jobs looks at pools too."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

from store import events, progress
from store.database import Database
from store.progress import Standing
from store.states import ENDED

MOST_NEWS = 1000


class News(NamedTuple):
    """Something that happened in a pool."""

    number: int
    """Grows from one to the next."""
    kind: Literal["event", "job"]
    id: UUID


@dataclass(frozen=True)
class Seen:
    """A pool at one moment: its newest events, and the jobs that were at work then or before."""

    events: Sequence[UUID]
    jobs: Mapping[UUID, Standing]

    @property
    def at_work(self) -> list[UUID]:
        return [job_id for job_id, standing in self.jobs.items() if standing.state not in ENDED]


@dataclass(eq=False)
class WatchedPool:
    """A pool that is followed. `changed` is set with the next news, and then is another one."""

    pool_id: UUID
    is_over: bool = False
    """Whether the server stops."""
    count: int = 0
    """The number of the newest news."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    seen: Seen | None = None
    followers: int = 0
    _news: deque[News] = field(default_factory=lambda: deque(maxlen=MOST_NEWS))

    def after(self, number: int) -> list[News]:
        """The news after the one of this number, as far as they are kept."""
        return [news for news in self._news if news.number > number]

    def update(self, seen: Seen) -> None:
        before, self.seen = self.seen, seen
        if before is None:
            self.tell()
            return
        known = set(before.events)
        for event_id in seen.events:
            if event_id not in known:
                self._add("event", event_id)
        for job_id, now in seen.jobs.items():
            if before.jobs.get(job_id) != now:
                self._add("job", job_id)

    def _add(self, kind: Literal["event", "job"], id: UUID) -> None:
        self.count += 1
        self._news.append(News(self.count, kind, id))
        self.tell()

    async def is_known(self, within_s: float) -> None:
        """Wait until it was seen once, at most so long: what happens from then on is news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.seen is None and not self.is_over:
                    await self.changed.wait()

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class PoolWatch:
    """Requests call `follow`; `service.watch` calls the other methods, in the same event loop."""

    def __init__(self) -> None:
        self._pools: dict[UUID, WatchedPool] = {}
        self._is_stopped = False

    @contextmanager
    def follow(self, pool_id: UUID) -> Iterator[WatchedPool]:
        """The pool, which is kept up to date until the block ends."""
        pool = self._pools.setdefault(pool_id, WatchedPool(pool_id, is_over=self._is_stopped))
        pool.followers += 1
        try:
            yield pool
        finally:
            pool.followers -= 1
            if not pool.followers:
                del self._pools[pool_id]

    def known(self) -> dict[UUID, Seen | None]:
        """How each pool was last seen; None: not yet."""
        return {pool_id: pool.seen for pool_id, pool in self._pools.items()}

    def update(self, seen: Mapping[UUID, Seen]) -> None:
        for pool_id, now in seen.items():
            if pool := self._pools.get(pool_id):
                pool.update(now)

    def stop(self) -> None:
        self._is_stopped = True
        for pool in self._pools.values():
            pool.is_over = True
            pool.tell()


def look(database: Database, known: Mapping[UUID, Seen | None]) -> dict[UUID, Seen]:
    """The pools as they are now."""
    found = {}
    with database.read() as session:
        for pool_id, before in known.items():
            at_work = before.at_work if before else []
            found[pool_id] = Seen(
                events.newest_ids(session, pool_id), progress.of_pool(session, pool_id, at_work)
            )
    return found
