"""The lease of a job: heartbeats in a thread, and the reasons to stop."""

import threading
import time
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store import jobs
from store.database import Database
from worker.outcomes import Cancelled, Permanent, ShutDown

log = structlog.get_logger()

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""Errors while the database restarts, is busy or cannot be reached: the same call may succeed soon."""
LONGEST_BEAT_S = 2.0
"""The longest time between heartbeats, so that a cancellation is noticed soon, however long the lease."""


class Lease:
    """Renews a claim until the block ends.

    If the database does not answer, it is asked again until the lease has ended by this machine's monotonic
    clock, counted from the last request that succeeded: after that, another worker may have the job.
    """

    def __init__(
        self,
        database: Database,
        claim: jobs.Claim,
        *,
        lease_s: float,
        since: float,
        shutdown: threading.Event,
    ) -> None:
        self._database = database
        self._claim = claim
        self._lease_s = lease_s
        self._held_until = since + lease_s
        self._reasons = jobs.StopReasons(cancel=False, past_deadline=False)
        self._shutdown = shutdown
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{claim.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost, Cancelled, Permanent or ShutDown if the attempt has to end."""
        if time.monotonic() >= self._held_until:
            raise jobs.LeaseLost("the lease could not be prolonged")
        if self._reasons.cancel:
            raise Cancelled
        if self._reasons.past_deadline:
            raise Permanent(
                "deadline-exceeded",
                "The attempt took longer than FEWPAIRS_TRAINING_DEADLINE_S (a training) or "
                "FEWPAIRS_JOB_DEADLINE_S (any other job) allows.",
            )
        if self._shutdown.is_set():
            raise ShutDown

    @property
    def asks_to_finish(self) -> bool:
        """Whether the attempt is to end now with what it has."""
        return self._reasons.finish

    def _beat(self) -> None:
        while not self._over.wait(min(self._lease_s / 3, LONGEST_BEAT_S)):
            asked_at = time.monotonic()
            try:
                with self._database.write() as session:
                    self._reasons = jobs.heartbeat(session, self._claim, lease_s=self._lease_s)
                self._held_until = asked_at + self._lease_s
            except jobs.LeaseLost:
                self._held_until = asked_at
                return
            except DATABASE_AWAY as error:
                log.warning("lease.not_prolonged", job=str(self._claim.job_id), error=str(error))
