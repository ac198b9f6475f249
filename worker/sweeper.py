"""The sweep: every worker process releases silent jobs and rings for forgotten ones, about once a second.

Once an hour it also drops what lies abandoned among the blobs.
"""

import threading
from time import monotonic

import structlog

from store import jobs
from store.bell import Bell
from store.blobs import Blobs
from store.database import Database
from store.settings import Settings

log = structlog.get_logger()

EVERY_S = 1.0
DROP_EVERY_S = 3600.0
RINGING_S = 5.0
"""Rings that take longer, because the broker is away, must not keep the sweep from releasing silent jobs."""


def sweep_until(
    shutdown: threading.Event, settings: Settings, database: Database, blobs: Blobs, bell: Bell
) -> None:
    dropped_at = monotonic()  # as the blobs do when they are opened
    while not shutdown.wait(EVERY_S):
        try:
            sweep(settings, database, bell)
            if monotonic() - dropped_at >= DROP_EVERY_S:
                blobs.drop_abandoned()
                dropped_at = monotonic()
        except Exception as error:  # The database may be away; nothing may end this thread.
            log.warning("sweep.failed", error=str(error))


def sweep(settings: Settings, database: Database, bell: Bell) -> None:
    """One sweep. It rings after the commit; what it does not get to is rung by a later sweep."""
    with database.write() as session:
        due = jobs.sweep(session, ring_again_s=settings.ring_again_s)
    began = monotonic()
    for job_id, queue in due:
        if monotonic() - began > RINGING_S:
            break
        bell.ring(job_id, queue)
