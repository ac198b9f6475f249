"""The Celery side of a worker: it receives ids of jobs and runs the jobs."""

import gc
import logging
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from celery import Celery, signals
from kombu.entity import Queue

from store.bell import TASK, Bell, celery_app
from store.blobs import open_blobs
from store.database import Database
from store.job_kinds import DELIVERIES, QUEUES
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.deliverer import Deliverer
from worker.lease import DATABASE_AWAY
from worker.run import run_next
from worker.sweeper import sweep_until
from worker.turns import Turns

log = structlog.get_logger()

ASK_AGAIN_S = 3.0
"""How long a worker that starts waits before it asks a database again that is away."""


def listen(settings: Settings, queues: Sequence[str]) -> int:
    """Work on the jobs of these queues until SIGTERM or SIGINT, and return the exit code.

    A job that is running then is given back. Waits for a database that is away. Raises SchemaMismatch.
    """
    set_up_logging()
    database, blobs = Database(settings.database), open_blobs(settings.blobs)
    wait_for(database)
    tools = Tools(settings, database, blobs, Networks(settings, database, blobs))
    gc.freeze()  # imported objects stay, and every full collection would visit all of them
    shutdown = threading.Event()
    bell = Bell(settings.broker_url)
    deliverer = Deliverer(partial(run_rung, tools=tools, shutdown=shutdown, turns=Turns()))
    sweeper = threading.Thread(
        target=sweep_until, args=(shutdown, settings, database, blobs, bell), name="sweeper"
    )
    app = build_app(tools, shutdown, deliverer)
    signals.worker_shutting_down.connect(lambda **_: shutdown.set(), weak=False)
    signals.setup_logging.connect(set_up_logging, weak=False)
    worker: Any = app.Worker(
        pool="solo",
        queues=[*queues, *([DELIVERIES] if "cpu" in queues else [])],
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    log.info("worker.ready", queues=",".join(queues), device=settings.device)
    sweeper.start()
    try:
        worker.start()
    finally:
        shutdown.set()
        deliverer.close()
        sweeper.join()
        bell.close()
        database.close()
    return int(worker.exitcode or 0)


def wait_for(database: Database) -> None:
    """Return once the database answers. Raises SchemaMismatch."""
    while True:
        try:
            return database.require_schema()
        except DATABASE_AWAY as error:
            reason = str(getattr(error, "orig", error)).strip()
            log.warning("worker.waits_for_database", again_in_s=ASK_AGAIN_S, error=reason)
            time.sleep(ASK_AGAIN_S)


def run_rung(job_id: uuid.UUID, tools: Tools, shutdown: threading.Event, turns: Turns) -> None:
    """Run the job whose turn it is, as `run_next` does. A database that is away is no error."""
    try:
        run_next(job_id, tools, shutdown, turns)
    except DATABASE_AWAY as error:
        log.warning("job.not_claimed", job=str(job_id), error=str(error))


def build_app(tools: Tools, shutdown: threading.Event, deliverer: Deliverer) -> Celery:
    """The Celery application with its only task, which takes the id of a job that was queued."""
    turns = Turns()

    def run_job(task: Any, job_id: str) -> None:
        if task.request.delivery_info["routing_key"] == DELIVERIES:
            deliverer.ring(uuid.UUID(job_id))
        else:
            run_rung(uuid.UUID(job_id), tools, shutdown, turns)

    app = celery_app(tools.settings.broker_url)
    app.conf.worker_enable_remote_control = False  # one subscription less to survive a broker's restart
    # No acknowledgements: if one fails because the broker is away, it holds the only prefetch slot for ever,
    # and the worker receives nothing any more (kombu 5.7, Redis). A lost message is sent again anyway.
    app.conf.task_queues = [Queue(name, no_ack=True) for name in (*QUEUES, DELIVERIES)]  # type: ignore[no-untyped-call]
    app.task(name=TASK, bind=True, shared=False)(run_job)
    return app


def set_up_logging(**_: Any) -> None:
    """Log one line for each event: our own, warnings of libraries, and errors of Celery."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S"),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=20),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(name)s: %(message)s", datefmt="%H:%M:%S"
    )
    logging.captureWarnings(True)
    logging.getLogger("models").setLevel(logging.INFO)  # how far a download of weights is
    for name in ("celery", "py.warnings"):
        logging.getLogger(name).setLevel(logging.ERROR)


def queue_list(text: str) -> list[str]:
    """`cpu,gpu` as a list. Raises ValueError for a name that is no queue."""
    names = text.split(",")
    for name in names:
        if name not in QUEUES:
            raise ValueError(f"there is no queue {name!r}: give some of {','.join(QUEUES)}")
    return names
