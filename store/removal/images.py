"""Remove the rows of a photo, and those that were made of it or say its name."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from store import events
from store.references import digests_in, leave
from store.states import ENDED
from store.tables import (
    Annotation,
    Assignment,
    Draft,
    EvaluationImage,
    Event,
    Explanation,
    Image,
    Job,
    JobLog,
    JobSample,
    Model,
    ModelFile,
    PhotoFeatures,
    Selection,
    Shard,
    Uncertainty,
)

NAMELESS = "(deleted)"
"""Stands for the name of a removed photo, in what stays."""
REPEATABLE = ("search", "explain", "replay", "import", "pack", "export")
"""Kinds of jobs whose results name photos, and that can be made again or have had their effect."""
SHEET = "samples.png"


def remove_image(session: Session, image: Image, drawn_on: set[uuid.UUID], drawn_by: set[uuid.UUID]) -> None:
    """Remove a photo that is in no shard. The sample sheets of the models `drawn_on` and of the trainings
    `drawn_by` may show it.
    """
    digests = {image.sha256}
    for annotation in session.scalars(select(Annotation).where(Annotation.image_id == image.id)):
        digests |= {annotation.sha256, annotation.original_sha256 or annotation.sha256}
    for table in (PhotoFeatures, EvaluationImage, Draft):
        digests |= set(session.scalars(select(table.sha256).where(table.image_id == image.id)))
    for owned in (Annotation, Draft, PhotoFeatures, EvaluationImage, Uncertainty, Assignment):
        session.execute(delete(owned).where(owned.image_id == image.id))
    sheets = (ModelFile.model_id.in_(drawn_on), ModelFile.name == SHEET)
    digests |= set(session.scalars(select(ModelFile.sha256).where(*sheets)))
    session.execute(delete(ModelFile).where(*sheets))
    drawn = JobSample.job_id.in_(drawn_by)
    digests |= set(session.scalars(select(JobSample.sha256).where(drawn)))
    session.execute(delete(JobSample).where(drawn))
    digests |= _remove_answers(session, image)
    _forget_name(session, image)
    session.execute(delete(Image).where(Image.id == image.id))
    session.execute(update(Event).where(Event.subject_id == image.id).values(details={}))
    events.add(session, image.pool_id, "removed", "image", image.id)
    leave(session, digests)


def models_of(session: Session, pool_id: uuid.UUID) -> dict[uuid.UUID, uuid.UUID]:
    """The job of each model that was trained in the pool."""
    query = select(Model.id, Model.job_id).where(Model.pool_id == pool_id)
    return {id: job_id for id, job_id in session.execute(query) if job_id}


def trainings_of(session: Session, pool_id: uuid.UUID) -> Sequence[uuid.UUID]:
    return session.scalars(select(Job.id).where(Job.pool_id == pool_id, Job.kind == "train")).all()


def replace_shard(session: Session, old: Shard, new: Shard | None) -> None:
    """Put a shard of some of its images in the place of another, whose blobs may leave."""
    if new:
        session.add(new)
        session.flush()
        kept = [uuid.UUID(image_id) for image_id in new.image_ids]
        session.execute(update(Image).where(Image.id.in_(kept)).values(shard_id=new.id))
    left = update(Image).where(Image.shard_id == old.id)
    session.execute(left.values(shard_id=None, embed_error=NAMELESS))
    session.execute(delete(Shard).where(Shard.id == old.id))
    leave(session, filter(None, [old.sha256, old.patches_sha256]))


def _remove_answers(session: Session, image: Image) -> set[str]:
    """Remove what can be made again and may name the photo, and translations of it. Returns their blobs."""
    digests: set[str] = set()
    selections = select(Selection.id).where(Selection.pool_id == image.pool_id)
    of_pool = Explanation.selection_id.in_(selections)
    for files in session.scalars(select(Explanation.files).where(of_pool)):
        digests |= digests_in(files)
    session.execute(delete(Explanation).where(of_pool).execution_options(synchronize_session=False))
    ended = (Job.pool_id == image.pool_id, Job.state.in_(ENDED))
    for job in session.scalars(select(Job).where(*ended, Job.kind.in_((*REPEATABLE, "translate")))).all():
        if job.kind in REPEATABLE or job.spec.get("sha256") == image.sha256:
            digests |= digests_in(job.spec, job.result)
            session.delete(job)
    session.flush()
    return digests


def _forget_name(session: Session, image: Image) -> None:
    """Write something else where selections and errors of jobs name the photo."""
    for selection in session.scalars(select(Selection).where(Selection.pool_id == image.pool_id)):
        if (document := _nameless(selection.document, str(image.id))) != selection.document:
            selection.document = document
    for job in session.scalars(select(Job).where(Job.pool_id == image.pool_id, Job.error.is_not(None))):
        if job.error and image.name in job.error["detail"]:
            job.error = job.error | {"detail": job.error["detail"].replace(image.name, NAMELESS)}
    naming = JobLog.tail.contains(image.name, autoescape=True)
    for log in session.scalars(select(JobLog).join(Job).where(Job.pool_id == image.pool_id, naming)):
        log.tail = log.tail.replace(image.name, NAMELESS)
    session.flush()


def _nameless(value: Any, image_id: str) -> Any:
    """A value of JSON in which every object that is about the image has another name."""
    if isinstance(value, list):
        return [_nameless(item, image_id) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _nameless(item, image_id) for key, item in value.items()}
    for prefix in ("", "test_", "of_"):
        if found.get(f"{prefix}image_id") == image_id and f"{prefix}name" in found:
            found[f"{prefix}name"] = NAMELESS
    return found
