"""The sweep: about once a second, every worker process releases silent jobs and rings for forgotten ones.

Once an hour it also deletes abandoned files among the blobs, and second copies; once a minute it orders the
removal of what cannot be undeleted any more.
"""

import math
import threading
from time import monotonic

import structlog

from store import deletions, jobs
from store.bell import Bell
from store.blobs import Blobs
from store.database import Database
from store.settings import Settings
from worker.garbage import remove_copies

log = structlog.get_logger()

EVERY_S = 1.0
DROP_EVERY_S = 3600.0
ORDER_EVERY_S = 60.0
RINGING_S = 5.0
"""The longest time for rings: if the broker is away, they must not delay the release of silent jobs."""


def sweep_until(
    shutdown: threading.Event, settings: Settings, database: Database, blobs: Blobs, bell: Bell
) -> None:
    dropped_at = monotonic()  # `open_blobs` has just done so
    ordered_at = -math.inf
    while not shutdown.wait(EVERY_S):
        try:
            sweep(settings, database, bell)
            now = monotonic()
            if now - ordered_at >= ORDER_EVERY_S:
                order_removals(settings, database, bell)
                ordered_at = now
            if now - dropped_at >= DROP_EVERY_S:
                blobs.drop_abandoned()
                remove_copies(settings, database)
                dropped_at = now
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
