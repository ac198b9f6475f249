"""Watch jobs without a thread for each request: one task looks at all jobs that requests wait for."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from pydantic_core import to_json

from service.pool_watch import PoolWatch, Seen, look
from store import job_parts, progress
from store.database import Database
from store.progress import Standing
from store.states import ENDED
from store.tables import Job

log = structlog.get_logger()

TICK_S = 0.05
"""How often to look at jobs whose end an answer waits for."""
TICKS_OF_FOLLOWERS = 6
"""How many ticks apart to look at jobs that are only followed."""
REST = 4
"""The next look waits for this many times as long as the last one took, so that looking costs little."""
MOST_LINES = 1000

Line = tuple[int, str]
"""A metric: its step, and all of it in JSON."""


@dataclass(eq=False)
class Watched:
    """A job as it was last seen. `changed` is set at the next change, and then is another one."""

    job_id: UUID
    is_over: bool = False
    """Whether the job has ended or is not there any more, or the server stops."""
    row: Job | None = None
    """None: not seen yet."""
    last_step: int = -1
    """The step of its newest metric."""
    told: str = ""
    """What followers are told about `row`; whoever needs it first writes it."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    standing: Standing | None = None
    lines: deque[Line] = field(default_factory=deque)
    """Its newest metrics: all after the step `before_lines`."""
    before_lines: int = -1
    requests: int = 0
    in_a_hurry: int = 0

    def lines_after(self, step: int) -> list[Line] | None:
        """The metrics after a step; None if the oldest of them are not kept here."""
        return [line for line in self.lines if line[0] > step] if step >= self.before_lines else None

    def update(self, seen: "_Seen") -> None:
        if self.row is None:
            self.before_lines = self.last_step = seen.last_step
        for line in seen.lines:
            if len(self.lines) == MOST_LINES:
                self.before_lines = self.lines.popleft()[0]
            self.lines.append(line)
            self.last_step = line[0]
        if len(seen.lines) < MOST_LINES:  # otherwise the next look finds more, and they are told first
            self.row, self.standing, self.told = seen.row, seen.standing, ""
            self.is_over = seen.row.state in ENDED
        self.tell()

    def end(self) -> None:
        self.is_over = True
        self.tell()

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class _Seen(NamedTuple):
    standing: Standing
    row: Job
    last_step: int
    lines: Sequence[Line]


class Watch:
    """`run` is the task; requests call the other methods, in the same event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs: dict[UUID, Watched] = {}
        self.pools = PoolWatch()
        self._is_stopped = False
        self._thread = CapacityLimiter(1)

    @contextmanager
    def follow(self, job_id: UUID, hurry: bool = False) -> Iterator[Watched]:
        """The job, which is kept up to date until the block ends."""
        watched = self._jobs.setdefault(job_id, Watched(job_id, is_over=self._is_stopped))
        watched.requests += 1
        watched.in_a_hurry += hurry
        try:
            yield watched
        finally:
            watched.requests -= 1
            watched.in_a_hurry -= hurry
            if not watched.requests:
                del self._jobs[job_id]

    async def end(self, job_id: UUID, within_s: float) -> Job | None:
        """The job when it has ended, or as it is when the server stops. None after so many seconds, and if it
        is not there.
        """
        with self.follow(job_id, hurry=True) as watched, suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not watched.is_over:
                    await watched.changed.wait()
            return watched.row
        return None

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Look at the jobs again and again, until the server stops."""
        clock = asyncio.get_running_loop().time
        ticks = 0
        while not stopping():
            began = clock()
            ticks += 1
            is_turn_of_followers = ticks % TICKS_OF_FOLLOWERS == 0
            if due := self._due(everyone=is_turn_of_followers):
                await self._look_at(due)
            if is_turn_of_followers and (known := self.pools.known()):
                await self._look_at_pools(known)
            await asyncio.sleep(max(TICK_S, REST * (clock() - began)))
        self._is_stopped = True
        for watched in self._jobs.values():
            watched.end()
        self.pools.stop()

    def _due(self, everyone: bool) -> list[Watched]:
        return [
            watched
            for watched in self._jobs.values()
            if not watched.is_over and (everyone or watched.in_a_hurry or watched.standing is None)
        ]

    async def _look_at(self, due: Sequence[Watched]) -> None:
        known = {
            watched.job_id: (watched.standing, watched.last_step if watched.row else None) for watched in due
        }
        try:
            present, seen = await to_thread.run_sync(self._look, known, limiter=self._thread)
        except Exception as error:  # The database may be away; nothing may end this task.
            log.warning("watch.failed", error=str(error))
            return
        for watched in due:
            if watched.job_id in seen:
                watched.update(seen[watched.job_id])
            elif watched.job_id not in present:
                watched.end()

    async def _look_at_pools(self, known: Mapping[UUID, Seen | None]) -> None:
        try:
            seen = await to_thread.run_sync(look, self._database, known, limiter=self._thread)
        except Exception as error:  # As above.
            log.warning("watch.failed", error=str(error))
            return
        self.pools.update(seen)

    def _look(
        self, known: Mapping[UUID, tuple[Standing | None, int | None]]
    ) -> tuple[Mapping[UUID, Standing], Mapping[UUID, _Seen]]:
        """What is there of the jobs, and what has changed. A job's row and metrics are of the same moment."""
        seen = {}
        with self._database.read() as session:
            present = progress.standings(session, known)
            for job_id, standing in present.items():
                before, last_step = known[job_id]
                if standing == before:
                    continue
                row = session.get_one(Job, job_id)
                if last_step is None:
                    last, new = job_parts.last_reported_step(session, job_id), []
                else:
                    last = last_step
                    new = job_parts.metrics(session, job_id, after=last, limit=MOST_LINES)
                seen[job_id] = _Seen(standing, row, last, as_lines(new))
        return present, seen


def as_lines(metrics: Sequence[dict[str, Any]]) -> list[Line]:
    return [(line["step"], to_json(line, inf_nan_mode="null").decode()) for line in metrics]
