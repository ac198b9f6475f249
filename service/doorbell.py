"""The doorbell that wakes workers, rung from its own thread."""

import queue
import threading
from contextlib import suppress
from uuid import UUID

from store.bell import Bell
from store.tables import Job

MOST_RINGS_WAITING = 1000


class Doorbell:
    """Rings from its own thread, so that a slow or missing broker delays no answer."""

    def __init__(self, broker_url: str) -> None:
        self.bell = Bell(broker_url)
        self._rings: queue.Queue[tuple[UUID, str] | None] = queue.Queue(MOST_RINGS_WAITING)
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, job: Job) -> None:
        with suppress(queue.Full):  # the sweep rings these jobs later
            self._rings.put_nowait((job.id, job.queue))

    def _run(self) -> None:
        while ring := self._rings.get():
            self.bell.ring(*ring)

    def close(self) -> None:
        with suppress(queue.Full):
            self._rings.put_nowait(None)
        self._thread.join(timeout=5)
        self.bell.close()
