"""Queries of annotations. Revisions count from 1 and never change; the newest one counts, unless it withdraws
the label map before it.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from store.chunks import rows_where_in
from store.filters import kept
from store.pages import newest_first
from store.tables import Annotation, DrawnLabels, Event, Image, Principal


@dataclass(frozen=True)
class Revision:
    """A revision, with the name of whoever made it. None: not known, or an import."""

    annotation: Annotation
    by: str | None

    @property
    def id(self) -> uuid.UUID:
        return self.annotation.id


@cache
def counts() -> ColumnElement[bool]:
    """Whether a row of `Annotation` is the label map of its image now. Made once: an alias of a table copies
    all its columns, thousands of objects in each second of a busy service."""
    later = aliased(Annotation)
    is_replaced = exists().where(later.image_id == Annotation.image_id, later.revision > Annotation.revision)
    return and_(~Annotation.withdrawn, ~is_replaced)


def current(session: Session, image_id: uuid.UUID) -> Annotation | None:
    """The annotation that counts."""
    return session.scalar(select(Annotation).where(Annotation.image_id == image_id, counts()))


def annotated(session: Session, image_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the images that have an annotation."""
    query = select(Annotation.image_id).where(counts())
    return {image_id for (image_id,) in rows_where_in(session, query, Annotation.image_id, image_ids)}


def any_annotated(session: Session, pool_id: uuid.UUID, split: str) -> bool:
    """Whether an image of a split has an annotation."""
    query = select(Annotation.id).join(Image, Image.id == Annotation.image_id).where(counts(), kept(Image))
    return session.scalar(query.where(Image.pool_id == pool_id, Image.split == split).limit(1)) is not None


def newest(session: Session, image_id: uuid.UUID) -> Annotation | None:
    """The newest revision, which may be a withdrawal."""
    query = select(Annotation).where(Annotation.image_id == image_id)
    return session.scalar(query.order_by(Annotation.revision.desc()).limit(1))


def revision(session: Session, image_id: uuid.UUID, number: int) -> Annotation | None:
    return session.scalar(
        select(Annotation).where(Annotation.image_id == image_id, Annotation.revision == number)
    )


def before(session: Session, image_id: uuid.UUID, number: int) -> Annotation | None:
    """The newest label map in a revision before this one; withdrawals are none."""
    query = select(Annotation).where(Annotation.image_id == image_id, Annotation.revision < number)
    newest_first = query.where(~Annotation.withdrawn).order_by(Annotation.revision.desc())
    return session.scalar(newest_first.limit(1))


def revisions(
    session: Session, image_id: uuid.UUID, *, before: uuid.UUID | None, limit: int
) -> Sequence[Revision]:
    """The revisions of an image, newest first."""
    query = newest_first(select(Annotation), Annotation, before, limit, image_id=image_id)
    made = select(Event.details, Principal.name).join(Principal, Principal.id == Event.principal_id)
    acts = session.execute(made.where(Event.subject_id == image_id, Event.kind == "annotation"))
    makers = {details.get("revision"): name for details, name in acts}
    return [Revision(row, makers.get(row.revision)) for row in session.scalars(query)]


def digests(session: Session, revisions: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, str]:
    """The SHA-256 of each image's annotation in the given revision, by the ids of the images."""
    query = select(Annotation.image_id, Annotation.revision, Annotation.sha256)
    return {
        image_id: sha256
        for image_id, number, sha256 in rows_where_in(session, query, Annotation.image_id, revisions)
        if number == revisions[image_id]
    }


def newest_locked(session: Session, image_id: uuid.UUID) -> Annotation | None:
    """The newest revision. It stays the newest until the transaction ends."""
    session.execute(select(Image.id).where(Image.id == image_id).with_for_update(key_share=True))
    return newest(session, image_id)


def of_pool(session: Session, pool_id: uuid.UUID) -> list[tuple[Image, Annotation]]:
    """The images of a pool that are annotated, with what counts, in the order of their ids."""
    return _pairs(session, pool_id, counts())


def active_seconds(session: Session, pool_id: uuid.UUID) -> list[float]:
    """How long people worked on the annotations of a pool, over all revisions, where that was measured."""
    query = select(func.sum(Annotation.active_seconds)).join(Image, Image.id == Annotation.image_id)
    of_pool = query.where(Image.pool_id == pool_id, kept(Image), Annotation.active_seconds.is_not(None))
    return list(session.scalars(of_pool.group_by(Annotation.image_id)))


def seconds_of(
    session: Session, image_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, list[tuple[int, float]]]:
    """By image, its revisions with how long people worked on each, where that was measured."""
    query = select(Annotation.image_id, Annotation.revision, Annotation.active_seconds)
    measured = query.where(~Annotation.withdrawn, Annotation.active_seconds.is_not(None))
    found: dict[uuid.UUID, list[tuple[int, float]]] = defaultdict(list)
    for image_id, revision, seconds in rows_where_in(session, measured, Annotation.image_id, image_ids):
        found[image_id].append((revision, seconds or 0.0))
    return found


def earlier_of_pool(session: Session, pool_id: uuid.UUID) -> list[tuple[Image, Annotation]]:
    """The images of a pool with the revisions that do not count any more, but for withdrawals."""
    return _pairs(session, pool_id, and_(~Annotation.withdrawn, ~counts()))


def _pairs(
    session: Session, pool_id: uuid.UUID, which: ColumnElement[bool]
) -> list[tuple[Image, Annotation]]:
    query = select(Image, Annotation).join(Annotation, Annotation.image_id == Image.id)
    rows = session.execute(
        query.where(Image.pool_id == pool_id, kept(Image), which).order_by(Image.id, Annotation.revision)
    )
    return [(image, annotation) for image, annotation in rows]


def newest_of_pool(session: Session, pool_id: uuid.UUID) -> dict[uuid.UUID, Annotation]:
    """The newest revision of each image of a pool that has one, which may be a withdrawal."""
    query = select(Annotation).join(Image, Image.id == Annotation.image_id).where(Image.pool_id == pool_id)
    return _newest_by_image(row for (row,) in session.execute(query))


def newest_locked_of(session: Session, image_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Annotation]:
    """The newest revisions of these images. They stay the newest until the transaction ends."""
    images = select(Image.id).order_by(Image.id).with_for_update(key_share=True)
    for _ in rows_where_in(session, images, Image.id, sorted(image_ids)):
        pass
    rows = rows_where_in(session, select(Annotation), Annotation.image_id, image_ids)
    return _newest_by_image(row for (row,) in rows)


def _newest_by_image(found: Iterable[Annotation]) -> dict[uuid.UUID, Annotation]:
    newest: dict[uuid.UUID, Annotation] = {}
    for annotation in found:
        other = newest.get(annotation.image_id)
        if other is None or other.revision < annotation.revision:
            newest[annotation.image_id] = annotation
    return newest


def add(session: Session, annotation: Annotation) -> Annotation:
    """Add a revision of an image's annotation."""
    session.add(annotation)
    session.flush()
    return annotation


def withdraw(session: Session, taken_back: Annotation) -> Annotation:
    """Add a revision that takes the newest one back."""
    return _repeat(session, taken_back, taken_back.revision + 1, withdrawn=True)


def revert(session: Session, earlier: Annotation, revision: int) -> Annotation:
    """Add a revision with the label map of an earlier one."""
    return _repeat(session, earlier, revision, withdrawn=False)


def _repeat(session: Session, row: Annotation, revision: int, *, withdrawn: bool) -> Annotation:
    repeated = {name: getattr(row, name) for name in DrawnLabels.__annotations__}
    place = {"image_id": row.image_id, "revision": revision}
    return add(session, Annotation(withdrawn=withdrawn, **place, **repeated))
