"""The parts that requests use: settings, database, blobs, decoders and the doorbell.

A route is the edge of one transaction: `with service.database.write() as session:` commits at its end, before
the answer is sent, and only then does `service.ring(job)` wake a worker.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from service.counts_cache import CountsCache
from service.decoding.decoders import Decoders
from service.doorbell import Doorbell
from service.http.problems import Unavailable
from service.lookups import found_job
from service.quotas import Quotas
from service.readiness import Readiness
from service.state_cache import StateCache
from service.watch import Watch
from store.blobs import BlobMissing, open_blobs
from store.database import Database
from store.settings import Settings
from store.tables import Job

LONGEST_STATEMENT_S = 120


class Service:
    """Opens everything at the start of the process. Raises SchemaMismatch if the database is not migrated."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database, LONGEST_STATEMENT_S)
        self.database.require_schema()
        self.blobs = open_blobs(settings.blobs)
        self.decoders = Decoders(settings)
        self.doorbell = Doorbell(settings.broker_url)
        self.state_cache = StateCache()
        self.counts = CountsCache()
        self.quotas = Quotas(self.database, settings)
        self.watch = Watch(self.database)
        self.readiness = Readiness(self.database, self.blobs, self.doorbell)
        self.readiness.wait()

    def ring(self, *queued: Job) -> None:
        """Wake a worker for each job. Call it after the commit."""
        for job in queued:
            self.doorbell.ring(job)

    def require_blobs(self, *digests: str) -> None:
        """Raise Unavailable unless the blobs are there. Call it in the transaction that adds their names."""
        try:
            self.blobs.require(*digests)
        except BlobMissing:
            raise Unavailable("The same bytes were deleted at this moment: send them again.") from None

    def job(self, job_id: UUID) -> Job:
        with self.database.read() as session:
            return found_job(session, job_id)

    async def ended(self, job_id: UUID) -> Job:
        """Wait until the job ends, at most `answer_wait_s`, and return it. Holds no thread while it waits."""
        ended = await self.watch.end(job_id, self.settings.answer_wait_s)
        return await run_in_threadpool(self.job, job_id) if ended is None else ended

    def close(self) -> None:
        self.readiness.close()
        self.doorbell.close()
        self.decoders.close()
        self.database.close()


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
