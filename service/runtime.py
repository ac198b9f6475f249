"""What requests reach: settings, database, blobs, decoders and the doorbell; and how a route says 404.

A route is the edge of one transaction: `with service.database.write() as session:` commits at its end, before
the answer is sent, and only then `service.ring(job)` wakes a worker.
"""

import asyncio
import queue
import threading
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from service.decoding.decoders import Decoders
from service.http.problems import NoSelection, NotFound
from service.selections.states import States
from store import annotations, images, jobs, models, pools, selections
from store.bell import Bell
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings
from store.tables import Image, Job, Model, Pool, Selection

ENDED = ("succeeded", "failed", "cancelled")
MOST_RINGS_WAITING = 1000
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.1


class Doorbell:
    """Rings from a thread of its own, so that a broker that is slow or gone delays no answer."""

    def __init__(self, broker_url: str) -> None:
        self.bell = Bell(broker_url)
        self._rings: queue.Queue[tuple[UUID, str] | None] = queue.Queue(MOST_RINGS_WAITING)
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, job: Job) -> None:
        with suppress(queue.Full):  # the sweep rings those that are left out
            self._rings.put_nowait((job.id, job.queue))

    def _run(self) -> None:
        while ring := self._rings.get():
            self.bell.ring(*ring)

    def close(self) -> None:
        with suppress(queue.Full):
            self._rings.put_nowait(None)
        self._thread.join(timeout=5)
        self.bell.close()


class Service:
    """Raises SchemaMismatch when the database was not migrated."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.database.require_schema()
        self.blobs = open_blobs(settings.blobs)
        self.decoders = Decoders(settings)
        self.doorbell = Doorbell(settings.broker_url)
        self.states = States()

    def ring(self, *queued: Job) -> None:
        """Wake a worker for each job; call it after the commit."""
        for job in queued:
            self.doorbell.ring(job)

    def job(self, job_id: UUID) -> Job:
        with self.database.read() as session:
            return found_job(session, job_id)

    async def ended(self, job_id: UUID) -> Job:
        """The job once it has ended, or as it is after `answer_wait_s`. Holds no thread while it waits."""
        clock = asyncio.get_running_loop().time
        end, pause = clock() + self.settings.answer_wait_s, SHORTEST_PAUSE_S
        while True:
            job = await run_in_threadpool(self.job, job_id)
            if job.state in ENDED or clock() >= end:
                return job
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)

    def close(self) -> None:
        self.doorbell.close()
        self.decoders.close()
        self.database.close()


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


def found_pool(session: Session, pool_id: UUID) -> Pool:
    pool = pools.get(session, pool_id)
    if pool is None:
        raise NotFound(f"There is no pool {pool_id}: GET /pools lists those there are.")
    return pool


def newest_selection(session: Session, pool_id: UUID) -> Selection:
    """The one that is handed out and explained unless another one is named."""
    newest = selections.newest(session, pool_id)
    if newest is None:
        raise NoSelection(
            f"No train images of the pool were selected yet: ask GET /pools/{pool_id}/select?budget=…"
        )
    return newest


def found_image(session: Session, image_id: UUID) -> tuple[Image, int | None]:
    """The image and the number of its newest annotation."""
    image = images.get(session, image_id)
    if image is None:
        raise NotFound(f"There is no image {image_id}: GET /pools/{{id}}/images lists those of a pool.")
    newest = annotations.newest(session, image_id)
    return image, newest.revision if newest else None


def found_job(session: Session, job_id: UUID) -> Job:
    job = jobs.get(session, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}: GET /jobs lists those there are.")
    return job


def found_model(session: Session, model_id: UUID) -> Model:
    model = models.get(session, model_id)
    if model is None:
        raise NotFound(f"There is no model {model_id}: GET /pools/{{id}}/models lists those of a pool.")
    return model
