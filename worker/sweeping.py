"""The sweep: every worker process releases silent jobs and rings for forgotten ones, about once a second."""

import threading
from time import monotonic

import structlog

from store import jobs
from store.bell import Bell
from store.database import Database
from store.settings import Settings

log = structlog.get_logger()

EVERY_S = 1.0
RINGING_S = 5.0
"""Rings that take longer, because the broker is away, must not keep the sweep from releasing silent jobs."""


def sweep_until(shutdown: threading.Event, settings: Settings, database: Database, bell: Bell) -> None:
    while not shutdown.wait(EVERY_S):
        try:
            sweep(settings, database, bell)
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
