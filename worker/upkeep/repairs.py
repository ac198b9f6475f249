"""Heals blobs that are missing or damaged: from a copy, or by having what can be computed made anew."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from store import holders, images, job_parts, pools, references
from store.blobs import LocalBlobs, digest_of, put_file
from store.database import Database
from store.holders import Holder
from store.settings import Settings
from store.states import ENDED
from store.tables import ArchivePart, Explanation, Image, Job, JobSample, ModelFile, PhotoFeatures, Shard


class Repairs:
    """`blob(sha256)` heals one blob, if that is possible."""

    def __init__(self, settings: Settings, database: Database, blobs: LocalBlobs) -> None:
        self._settings, self._database, self._blobs = settings, database, blobs

    def blob(self, sha256: str) -> bool:
        """Put the bytes back, or let go of what can be made again. Returns whether all is well now."""
        with self._database.read() as session:
            found = holders.of(session, sha256)
        for copy in self._copies(sha256, found):
            if copy.is_file() and digest_of(copy) == sha256:
                put_file(self._blobs, copy)
                return True
        with self._database.write() as session:
            for holder in found:
                self._let_go(session, holder, sha256)
            session.flush()
            references.leave(session, [sha256])
            return not references.named(session, [sha256])

    def _copies(self, sha256: str, found: Iterable[Holder]) -> Iterator[Path]:
        """Where a copy may be: in run directories, in folders of jobs, among cached models."""
        yield from self._settings.runs_dir.glob(f"*/data/{sha256}")
        yield from self._settings.cache_dir.glob(f"job-*/{sha256}")
        for holder in found:
            if isinstance(holder.row, ModelFile):
                yield self._settings.cache_dir / "models" / str(holder.row.model_id) / holder.row.name

    def _let_go(self, session: Session, holder: Holder, sha256: str) -> None:
        """Remove the row if what it stands for can be made again."""
        match holder.row:
            case Shard() as shard if shard.patches_sha256 == sha256:
                session.execute(update(Shard).where(Shard.id == shard.id).values(patches_sha256=None))
            case Shard() as shard:
                pools.lock(session, shard.pool_id)
                session.execute(update(Image).where(Image.shard_id == shard.id).values(shard_id=None))
                session.execute(delete(Shard).where(Shard.id == shard.id))
                references.leave(session, filter(None, [shard.patches_sha256]))
                images.embed_again(session, self._settings, shard.pool_id)
            case PhotoFeatures() as row:
                is_row = (PhotoFeatures.image_id == row.image_id, PhotoFeatures.sha256 == sha256)
                session.execute(delete(PhotoFeatures).where(*is_row))
            case Explanation() as explanation:
                references.leave(session, references.digests_in(explanation.files))
                session.execute(delete(Explanation).where(Explanation.id == explanation.id))
                _delete_job(session, explanation.job_id)
            case JobSample():
                session.execute(delete(JobSample).where(JobSample.sha256 == sha256))
            case Job() as job:
                _delete_job(session, job.id)
            case ArchivePart():
                session.execute(delete(ArchivePart).where(ArchivePart.sha256 == sha256))


def _delete_job(session: Session, job_id: object) -> None:
    """Delete a job that has ended and of which no other row is left, so that it can be ordered again."""
    job = session.get(Job, job_id)
    if job is None or job.state not in ENDED:
        return
    references.leave(session, references.digests_in(job.spec, job.result))
    job_parts.remove(session, [job.id])
    session.execute(delete(Job).where(Job.id == job.id))
