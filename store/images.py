"""Queries of images, and the embed jobs of new images."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store import events, jobs, pools, references
from store.chunks import chunks, rows_where_in
from store.filters import kept
from store.settings import Settings
from store.states import ENDED
from store.tables import Image, Job, PhotoFeatures, Uncertainty, new_id

EMBED_RING_IN_S = 1.0


@dataclass(frozen=True)
class NameAndSplit:
    name: str
    split: str


@dataclass(frozen=True)
class Added:
    """The outcome for a photo. In a conflict, `image` has the name, but other bytes or another split, or was
    deleted and can still be taken back.
    """

    outcome: Literal["created", "unchanged", "conflict"]
    image: Image
    copy_of: str | None = None
    """The name of the pool's first image with the same bytes, if that is another one."""


def add(
    session: Session, settings: Settings, pool_id: uuid.UUID, photos: Sequence[Image]
) -> tuple[list[Added], list[Job]]:
    """Add photos to a pool and to embed jobs. Returns their outcomes, and the jobs to ring for after commit.

    The latter are jobs that are full now, and jobs that `embed_again` made.
    """
    pools.lock(session, pool_id)
    known = _by_name(session, pool_id, [photo.name for photo in photos])
    firsts = _first_of_bytes(session, pool_id, [photo.sha256 for photo in photos])
    added, fresh = [], []
    for photo in photos:
        image = known.get(photo.name)
        if image is None:
            photo.id, photo.pool_id = photo.id or new_id(), pool_id
            known[photo.name] = photo
            fresh.append(photo)
            first = firsts.setdefault(photo.sha256, photo)
            added.append(Added("created", photo, None if first is photo else first.name))
        else:
            same = (image.sha256, image.split, image.gone_at) == (photo.sha256, photo.split, None)
            first = firsts.get(photo.sha256, image)
            copy_of = first.name if same and first.id != image.id else None
            added.append(Added("unchanged" if same else "conflict", image, copy_of))
    full = _give_to_embed_jobs(session, settings, pool_id, fresh)
    session.add_all(fresh)
    session.flush()
    _note(session, pool_id, fresh)
    return added, full + embed_again(session, settings, pool_id)


def _note(session: Session, pool_id: uuid.UUID, fresh: Sequence[Image]) -> None:
    if len(fresh) == 1:
        events.add(session, pool_id, "added", "image", fresh[0].id)
    elif fresh:
        events.add(session, pool_id, "added", "image", pool_id, images=[str(image.id) for image in fresh])


def embed_again(session: Session, settings: Settings, pool_id: uuid.UUID) -> list[Job]:
    """Give stranded images to new jobs, to ring for after commit. The caller must hold `pools.lock`."""
    again = []
    for chunk in chunks(stranded(session, pool_id), settings.embed_chunk):
        job = jobs.create(
            session,
            settings,
            kind="embed",
            pool_id=pool_id,
            spec={},
            total=len(chunk),
            ring_in_s=EMBED_RING_IN_S,
        )
        for image in chunk:
            image.embed_job_id = job.id
        again.append(job)
    session.flush()
    return again


def replace(session: Session, settings: Settings, image: Image, photo: Image) -> list[Job]:
    """Give an image the bytes of another photo of its size. Returns the jobs to ring for after commit: one
    embeds it again, one removes the bytes that nothing names any more.
    """
    of_image = PhotoFeatures.image_id == image.id
    features = session.scalars(select(PhotoFeatures.sha256).where(of_image)).all()
    references.leave(session, [image.sha256, *features])
    session.execute(delete(PhotoFeatures).where(of_image))
    session.execute(delete(Uncertainty).where(Uncertainty.image_id == image.id))
    digests = {"before": image.sha256, "sha256": photo.sha256}
    events.add(session, image.pool_id, "replaced", "image", image.id, **digests)
    again = jobs.create(
        session,
        settings,
        kind="embed",
        pool_id=image.pool_id,
        spec={"replaced": True},
        total=1,
        ring_in_s=EMBED_RING_IN_S,
    )
    image.sha256, image.size_bytes, image.media_type = photo.sha256, photo.size_bytes, photo.media_type
    image.shard_id, image.embed_error, image.embed_job_id = None, None, again.id
    session.flush()
    return [again, jobs.create(session, settings, kind="delete", pool_id=image.pool_id, spec={})]


def stranded(session: Session, pool_id: uuid.UUID) -> Sequence[Image]:
    """The images whose embed job ended before it reached them, or whose embeddings were lost."""
    query = (
        select(Image)
        .join(Job, Job.id == Image.embed_job_id)
        .where(
            Job.pool_id == pool_id,
            Job.state.in_(ENDED),
            Image.shard_id.is_(None),
            Image.embed_error.is_(None),
        )
        .order_by(Image.id)
    )
    return session.scalars(query).all()


def _by_name(session: Session, pool_id: uuid.UUID, names: Sequence[str]) -> dict[str, Image]:
    query = select(Image).where(Image.pool_id == pool_id)
    return {image.name: image for (image,) in rows_where_in(session, query, Image.name, names)}


def _first_of_bytes(session: Session, pool_id: uuid.UUID, digests: Sequence[str]) -> dict[str, Image]:
    """The first image of each of these SHA-256 that the pool has, by SHA-256."""
    query = select(Image).where(Image.pool_id == pool_id, kept(Image))
    found = [image for (image,) in rows_where_in(session, query, Image.sha256, set(digests))]
    return {image.sha256: image for image in sorted(found, key=lambda image: image.id, reverse=True)}


def _give_to_embed_jobs(
    session: Session, settings: Settings, pool_id: uuid.UUID, fresh: Sequence[Image]
) -> list[Job]:
    waiting, full = iter(fresh), []
    job = _open_embed_job(session, settings, pool_id)
    while chunk := list(islice(waiting, settings.embed_chunk - job.total if job else settings.embed_chunk)):
        if job is None:
            job = jobs.create(
                session, settings, kind="embed", pool_id=pool_id, spec={}, ring_in_s=EMBED_RING_IN_S
            )
        for image in chunk:
            image.embed_job_id = job.id
        job.total += len(chunk)
        if job.total == settings.embed_chunk:
            full.append(job)
            job = None
    session.flush()
    return full


def _open_embed_job(session: Session, settings: Settings, pool_id: uuid.UUID) -> Job | None:
    """The pool's newest embed job that has room and was never claimed; it is locked against a claim."""
    query = (
        select(Job)
        .where(
            Job.pool_id == pool_id,
            Job.kind == "embed",
            Job.state == "queued",
            Job.attempt == 0,
            Job.total < settings.embed_chunk,
            Job.spec["replaced"].as_boolean().is_not(True),
        )
        .order_by(Job.id.desc())
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalar(query)


def get(session: Session, image_id: uuid.UUID) -> Image | None:
    return session.get(Image, image_id)


def by_name(session: Session, pool_id: uuid.UUID, name: str) -> Image | None:
    return session.scalar(select(Image).where(Image.pool_id == pool_id, Image.name == name))


def deleted_among(session: Session, image_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the images that were deleted."""
    asked = set(image_ids)
    rows = rows_where_in(session, select(Image.id).where(kept(Image)), Image.id, asked)
    return asked - {image_id for (image_id,) in rows}


def deleted_of(session: Session, pool_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """The images of a pool that are deleted and not yet removed for good."""
    return session.scalars(select(Image.id).where(Image.pool_id == pool_id, ~kept(Image))).all()


def names(session: Session, image_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, NameAndSplit]:
    """The names and splits of images that are not deleted, by their ids."""
    query = select(Image.id, Image.name, Image.split).where(kept(Image))
    rows = rows_where_in(session, query, Image.id, image_ids)
    return {image_id: NameAndSplit(name, split) for image_id, name, split in rows}


def of_pool(session: Session, pool_id: uuid.UUID) -> Sequence[Image]:
    """The images of a pool that are not deleted, in the order of their ids."""
    query = select(Image).where(Image.pool_id == pool_id, kept(Image))
    return session.scalars(query.order_by(Image.id)).all()


def any_of(session: Session, pool_id: uuid.UUID, split: str) -> bool:
    """Whether a split of a pool has an image that is not deleted."""
    query = select(Image.id).where(Image.pool_id == pool_id, Image.split == split, kept(Image))
    return session.scalar(query.limit(1)) is not None


def missing(
    session: Session,
    pool_id: uuid.UUID,
    splits: Mapping[str, str],
    digests: Mapping[str, str | None],
) -> tuple[list[str], list[str]]:
    """Names among the files `{name: split}` that the pool lacks, and names in conflict.

    In a conflict, the pool's image of this name has other bytes than `{name: sha256}` says, is in the other
    split, or was deleted. Without a SHA-256 the bytes are taken to be the same.
    """
    known = _by_name(session, pool_id, list(splits))
    lacking = [name for name in splits if name not in known]
    conflicts = [
        name
        for name, image in known.items()
        if (image.split, image.gone_at) != (splits[name], None) or digests[name] not in (None, image.sha256)
    ]
    return lacking, conflicts
