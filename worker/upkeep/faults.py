"""Faults of rows and jobs."""

from sqlalchemy import func, select, text

from store import jobs
from store.clock import from_now
from store.database import Database
from store.settings import Settings
from store.tables import Annotation, Image, Job, Shard
from worker.upkeep.fault import Fault

RESTORE = "Restore the database from a backup."


# None of these gives a fault while it reads: on SQLite, that would keep everybody from writing.


def database_faults(database: Database) -> list[Fault]:
    """What SQLite finds wrong in its own file; PostgreSQL keeps these promises by itself."""
    if database.engine.dialect.name != "sqlite":
        return []
    with database.read() as session:
        problems = session.scalars(text("PRAGMA integrity_check")).all()
        orphans = session.execute(text("PRAGMA foreign_key_check")).all()
    found = [f"SQLite finds in its file: {problem}." for problem in problems if problem != "ok"]
    found += [f"A row of {table} refers to no row of {parent}." for table, _, parent, _ in orphans]
    return [Fault("damaged database", what, RESTORE) for what in found]


def row_faults(database: Database) -> list[Fault]:
    """Photos whose shard does not list them, and label maps of which a revision is missing."""
    listing, embedded = select(Shard.id, Shard.image_ids), select(Image.id, Image.name, Image.shard_id)
    counting = select(Annotation.image_id, func.count(), func.max(Annotation.revision))
    with database.read() as session:
        listed = {(shard_id, image_id) for shard_id, ids in session.execute(listing) for image_id in ids}
        photos = session.execute(embedded.where(Image.shard_id.is_not(None))).all()
        counted = session.execute(counting.group_by(Annotation.image_id)).all()
    found = [
        f"The photo {name} ({image_id}) counts as embedded, and its shard does not list it."
        for image_id, name, shard_id in photos
        if (shard_id, image_id.hex) not in listed
    ]
    found += [
        f"The image {image_id} has {count} revisions of its label map, and the last is number {newest}."
        for image_id, count, newest in counted
        if count != newest
    ]
    return [Fault("rows", what, RESTORE) for what in found]


def job_faults(settings: Settings, database: Database) -> list[Fault]:
    """Jobs that run although their worker has been silent for long, so that no worker sweeps."""
    silent = (Job.state == "running", Job.lease_expires_at < from_now(-settings.lease_s))

    def release() -> bool:
        with database.write() as session:
            jobs.sweep(session, ring_again_s=settings.ring_again_s)
            return session.scalar(select(Job.id).where(*silent)) is None

    with database.read() as session:
        found = session.scalars(select(Job).where(*silent).order_by(Job.id)).all()
    return [
        Fault(
            "silent job",
            f"The job {job.id} ({job.kind}) runs, but its worker's lease ended at {job.lease_expires_at}.",
            "Start a worker: it goes on with the job.",
            release,
        )
        for job in found
    ]
