"""Delivers messages to webhooks beside the other jobs, which never wait for a receiver."""

import queue
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from worker.outside import LONGEST_S

MOST_RINGS_WAITING = 1000


class Deliverer:
    """Calls `run` for each ring, in a thread of its own."""

    def __init__(self, run: Callable[[uuid.UUID], None]) -> None:
        self._call = run
        self._rings: queue.Queue[uuid.UUID | None] = queue.Queue(MOST_RINGS_WAITING)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
        self._thread.start()

    def ring(self, job_id: uuid.UUID) -> None:
        with suppress(queue.Full):  # the sweep rings for these jobs later
            self._rings.put_nowait(job_id)

    def close(self) -> None:
        """Wait until the message that is being sent is sent; the others are left to other workers."""
        self._over.set()
        with suppress(queue.Full):
            self._rings.put_nowait(None)
        self._thread.join(LONGEST_S + 1)

    def _run(self) -> None:
        while (job_id := self._rings.get()) and not self._over.is_set():
            self._call(job_id)
