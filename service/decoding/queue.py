"""Whose files are decoded when: a bounded queue of requests, and turns at the decoding processes."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from service.http.problems import Unavailable, stopping

PLACES = 64
"""The most requests whose files are decoded or wait for it."""
PLACES_OF_ONE = 48
PROCESSES_OF_ONE = min(4, os.cpu_count() or 1)
"""The most files of one client that are decoded at the same time. For others there are as many again."""
RETRY_AFTER_S = "5"

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

client: ContextVar[Hashable] = ContextVar("client", default=None)
"""Who has sent the files of this request."""


class Queue:
    """Runs what decodes files in threads of its own, so that it takes none from those that answer."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(PLACES)
        self._taken: Counter[Hashable] = Counter()

    async def run(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Call the function in a thread. Raises Unavailable at once if too many requests wait already."""
        of = client.get()
        if self._taken.total() >= PLACES or self._taken[of] >= PLACES_OF_ONE:
            raise Unavailable(
                f"{self._taken.total()} requests wait to be decoded, which is all that may: send this one "
                "again in a few seconds."
            ).with_headers(Retry_After=RETRY_AFTER_S)
        self._taken[of] += 1
        try:
            return await run_sync(function, *arguments, limiter=self._threads)
        finally:
            self._taken[of] -= 1
            if not self._taken[of]:
                del self._taken[of]


class Turns:
    """Lets threads decode in the order in which they come, but holds up no client by the files of another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[object, Hashable]] = []
        self._running: Counter[Hashable] = Counter()
        self._closed = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it in the block. Raises Unavailable when the service stops."""
        me, of = object(), client.get()
        with self._changed:
            self._waiting.append((me, of))
            self._changed.wait_for(lambda: self._closed or self._next() is me)
            self._waiting.remove((me, of))
            if self._closed:
                raise stopping()
            self._running[of] += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running[of] -= 1
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> object:
        """Whose turn it is; None if nobody's."""
        if self._running.total() >= 2 * PROCESSES_OF_ONE:
            return None
        return next((one for one, of in self._waiting if self._running[of] < PROCESSES_OF_ONE), None)
