"""What the handler of a job gets."""

import math
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from store import job_parts, jobs
from store.blobs import BlobMissing, Blobs, put_file
from store.database import Database
from store.settings import Settings
from worker.cache.networks import Networks
from worker.cache.patches import PatchCache
from worker.cache.seen_photos import SeenPhotos
from worker.cache.vectors import VectorCache
from worker.lease import DATABASE_AWAY, Lease

log = structlog.get_logger()

Item = TypeVar("Item")

PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True)
class Tools:
    """Everything that lives as long as the worker process."""

    settings: Settings
    database: Database
    blobs: Blobs
    networks: Networks

    @cached_property
    def vectors(self) -> VectorCache:
        return VectorCache(self.settings.cache_dir / "vectors", self.database, self.blobs)

    @cached_property
    def patches(self) -> PatchCache:
        return PatchCache(self.settings.cache_dir / "vectors", self.database, self.blobs)

    @cached_property
    def seen_photos(self) -> SeenPhotos:
        return SeenPhotos(self.database, self.blobs, self.networks)


@dataclass
class Attempt:
    """One try at a job. Calls of `progress`, and long work in `models`, raise if it has to stop."""

    claim: jobs.Claim
    tools: Tools
    lease: Lease
    _progress_at: float = field(default=-math.inf, init=False)

    def progress(self, done: int, total: int) -> None:
        """Record progress, at most once a second. Raises if the attempt has to end: see `Lease.check`."""
        self.lease.check()
        if time.monotonic() - self._progress_at >= PROGRESS_EVERY_S:
            self._progress_at = time.monotonic()
            self.report(done, total)

    def each(self, items: Sequence[Item], *, before: int = 0, total: int | None = None) -> Iterator[Item]:
        """Yield the items one by one, and record progress; `before` of a `total` were done earlier."""
        for done, item in enumerate(items, before):
            self.progress(done, total or len(items))
            yield item

    def report(self, done: int, total: int, metrics: Sequence[dict[str, Any]] = ()) -> bool:
        """Record progress, and the metric lines that are newer than the last recorded one.

        Returns False if the database is away: then nothing is recorded, which is no reason to stop.
        """

        def write(session: Session) -> None:
            last = job_parts.last_reported_step(session, self.claim.job_id) if metrics else -1
            newer = [line for line in metrics if line["step"] > last]
            jobs.report(session, self.claim, done=done, total=total, metrics=newer)

        return self._recorded(write)

    def estimated(self, estimate: dict[str, Any]) -> bool:
        """Record the estimate of what the job needs. Returns False as `report` does."""
        return self._recorded(lambda session: jobs.estimated(session, self.claim, estimate))

    def drawn(self, step: int, sheet: Path) -> bool:
        """Keep a sample sheet of a training. Returns False as `report` does, and if the same bytes have left
        meanwhile with another training.
        """
        kept = put_file(self.tools.blobs, sheet)

        def write(session: Session) -> None:
            job_parts.add_sample(session, self.claim, step, kept)
            self.tools.blobs.require(kept.sha256)

        try:
            return self._recorded(write)
        except BlobMissing:
            return False

    def printed(self, tail: str) -> bool:
        """Record the end of a training's log. Returns False as `report` does."""
        return self._recorded(lambda session: job_parts.keep_log(session, self.claim, tail))

    def _recorded(self, write: Callable[[Session], None]) -> bool:
        try:
            with self.tools.database.write() as session:
                write(session)
        except DATABASE_AWAY as error:
            log.warning("progress.not_recorded", job=str(self.claim.job_id), error=str(error))
            return False
        return True

    @contextmanager
    def files(self, digests: Iterable[str]) -> Iterator[list[Path]]:
        """Copies of the blobs, in the given order, which exist until the block ends.

        Raises BlobMissing, BlobDamaged, and what `progress` raises.
        """
        cache = self.tools.settings.cache_dir
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"job-{self.claim.job_id.hex}-") as folder:
            paths = [Path(folder) / digest for digest in digests]
            for path in set(paths):
                self.lease.check()
                self.tools.blobs.fetch(path.name, path)
            yield paths


def job_of(folder: Path) -> uuid.UUID | None:
    """The job whose attempt made this folder in the cache; None if an older version did."""
    try:
        return uuid.UUID(folder.name.split("-")[1])
    except ValueError:
        return None
