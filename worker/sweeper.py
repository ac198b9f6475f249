"""The sweep: about once a second, every worker process releases silent jobs and rings for forgotten ones.

Once a minute it also orders the removal of what cannot be undeleted any more, and collects unreachable
cycles: beside torch, Python itself looks at all objects too rarely. A minute after the start, and then once
an hour, it removes what nobody needs.
"""

import gc
import math
import threading
from time import monotonic

import structlog

from store import deletions, jobs
from store.bell import Bell
from store.blobs import Blobs
from store.database import Database
from store.settings import Settings
from worker.upkeep.janitor import tidy

log = structlog.get_logger()

EVERY_S = 1.0
TIDY_EVERY_S, TIDY_FIRST_S = 3600.0, 60.0
UPKEEP_EVERY_S = 60.0
RINGING_S = 5.0
"""The longest time for rings: if the broker is away, they must not delay the release of silent jobs."""


def sweep_until(
    shutdown: threading.Event, settings: Settings, database: Database, blobs: Blobs, bell: Bell
) -> None:
    tidied_at = monotonic() - TIDY_EVERY_S + TIDY_FIRST_S
    upkept_at = -math.inf
    while not shutdown.wait(EVERY_S):
        try:
            sweep(settings, database, bell)
            now = monotonic()
            if now - upkept_at >= UPKEEP_EVERY_S:
                order_removals(settings, database, bell)
                gc.collect()
                upkept_at = now
            if now - tidied_at >= TIDY_EVERY_S:
                tidied_at = now
                tidy(settings, database, blobs)
        except Exception as error:  # The database may be away; nothing may end this thread.
            log.warning("sweep.failed", error=str(error))


def sweep(settings: Settings, database: Database, bell: Bell) -> None:
    """Sweep once. Rings follow the commit; if the time is not enough, a later sweep rings for the rest."""
    with database.write() as session:
        due = jobs.sweep(session, ring_again_s=settings.ring_again_s)
    began = monotonic()
    for job_id, queue in due:
        if monotonic() - began > RINGING_S:
            break
        bell.ring(job_id, queue)


def order_removals(settings: Settings, database: Database, bell: Bell) -> None:
    with database.write() as session:
        ordered = deletions.order(session, settings)
    for job in ordered:
        bell.ring(job.id, job.queue)
