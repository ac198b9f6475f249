"""Picks in annotators' hands: an image is in one hand at a time, until a lease that nobody renews ends."""

import statistics
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from sqlalchemy import ColumnElement, Select, and_, case, select, update
from sqlalchemy.orm import Session

from store import pools
from store.chunks import rows_where_in
from store.clock import from_now
from store.states import ANNOTATED, EXPIRED, OPEN, RETURNED
from store.tables import Annotation, Assignment, Image

IMAGES_A_LOCK = 500

BURST = timedelta(minutes=1)
"""Annotations that follow each other within this time were sent together: none was drawn in between."""

Work = tuple[datetime, datetime]
"""When an image was handed out, and when its annotation came."""


@dataclass(frozen=True)
class NamedAssignment:
    """An assignment, the name of its image, and its state by the database's clock."""

    assignment: Assignment
    name: str
    state: str

    @property
    def id(self) -> uuid.UUID:
        return self.assignment.id


def hand_out(
    session: Session,
    pool_id: uuid.UUID,
    *,
    selection_id: uuid.UUID,
    picks: Mapping[uuid.UUID, int],
    annotator: str,
    count: int,
    lease_s: float,
) -> int:
    """Renew what the annotator holds, and fill up to `count` from the `picks`, {image id: rank}, by rank.

    Only what nobody holds and nobody has annotated is handed out: less than `count` when that is all.
    Returns how many such picks there are still.
    """
    pools.lock(session, pool_id)
    session.execute(
        update(Assignment)
        .where(Assignment.pool_id == pool_id, Assignment.state == OPEN, ~_leased())
        .values(state=EXPIRED, ended_at=Assignment.lease_expires_at)
    )
    lease_expires_at = session.scalar(select(from_now(lease_s)))
    held = session.scalars(
        update(Assignment)
        .where(Assignment.pool_id == pool_id, Assignment.annotator == annotator, Assignment.state == OPEN)
        .values(lease_expires_at=lease_expires_at)
        .returning(Assignment.id)
    ).all()
    free = _free(session, picks)
    chosen = _locked(session, free, count - len(held))
    session.add_all(
        Assignment(
            pool_id=pool_id,
            selection_id=selection_id,
            image_id=image_id,
            rank=picks[image_id],
            annotator=annotator,
            lease_expires_at=lease_expires_at,
        )
        for image_id in chosen
    )
    session.flush()
    return len(free) - len(chosen)


def _free(session: Session, picks: Mapping[uuid.UUID, int]) -> list[uuid.UUID]:
    """Those of the picks that nobody has annotated and nobody holds, by rank. To be asked after leases that
    ran out were ended: one that runs out meanwhile still holds its image.
    """
    ids = sorted(picks, key=lambda image_id: picks[image_id])
    annotated = select(Annotation.image_id)
    in_hand = select(Assignment.image_id).where(Assignment.state == OPEN)
    taken = {image_id for (image_id,) in rows_where_in(session, annotated, Annotation.image_id, ids)}
    taken |= {image_id for (image_id,) in rows_where_in(session, in_hand, Assignment.image_id, ids)}
    return [image_id for image_id in ids if image_id not in taken]


def _locked(session: Session, free: Iterable[uuid.UUID], count: int) -> list[uuid.UUID]:
    """The first `count` of these images that nobody annotates meanwhile, and nobody can until the commit.

    One that is being annotated is left out, not waited for: its annotation may wait for us.
    """
    chosen: list[uuid.UUID] = []
    following = iter(free)
    while some := list(islice(following, max(0, min(count - len(chosen), IMAGES_A_LOCK)))):
        these = select(Image.id).where(Image.id.in_(some)).with_for_update(key_share=True, skip_locked=True)
        locked = set(session.scalars(these))
        locked -= set(session.scalars(select(Annotation.image_id).where(Annotation.image_id.in_(some))))
        chosen += [image_id for image_id in some if image_id in locked]
    return chosen


def held_by(session: Session, pool_id: uuid.UUID, annotator: str) -> list[NamedAssignment]:
    """What the annotator holds now, in the order it was handed out."""
    query = _named().where(Assignment.pool_id == pool_id, Assignment.annotator == annotator, _is_open())
    return _read(session, query.order_by(Assignment.id))


def page(
    session: Session,
    pool_id: uuid.UUID,
    *,
    annotator: str | None,
    is_open: bool | None,
    before: uuid.UUID | None,
    limit: int,
) -> list[NamedAssignment]:
    """Newest first, those made before the assignment `before`."""
    query = _named().where(Assignment.pool_id == pool_id).order_by(Assignment.id.desc()).limit(limit)
    if annotator is not None:
        query = query.where(Assignment.annotator == annotator)
    if is_open is not None:
        query = query.where(_is_open() if is_open else ~_is_open())
    if before:
        query = query.where(Assignment.id < before)
    return _read(session, query)


def get(session: Session, assignment_id: uuid.UUID) -> NamedAssignment | None:
    found = _read(session, _named().where(Assignment.id == assignment_id))
    return found[0] if found else None


def renew(session: Session, assignment_id: uuid.UUID, lease_s: float) -> bool:
    """Prolong an open assignment, also one whose lease ran out while nobody asked. False: it has ended."""
    return _write_open(session, assignment_id, lease_expires_at=from_now(lease_s))


def give_back(session: Session, assignment_id: uuid.UUID) -> bool:
    """End an open assignment, so that others can have the image. False: it had ended."""
    return _write_open(session, assignment_id, state=RETURNED, ended_at=from_now(0))


def annotated(session: Session, image_id: uuid.UUID) -> None:
    """End the image's open assignment, if any, because its annotation has come."""
    session.execute(
        update(Assignment)
        .where(Assignment.image_id == image_id, Assignment.state == OPEN)
        .values(state=ANNOTATED, ended_at=from_now(0))
    )


def minutes_per_image(session: Session, pool_id: uuid.UUID) -> float | None:
    """The median time from an image in hand to its annotation. None: no assignment has ended so.

    An annotator works on one image after the other, and may send several label maps together: annotations
    that follow each other within `BURST` share the time since the annotator's one before them equally, or
    since the first of their images was handed out, if that was later. What came after its lease had run out
    says nothing about work, and does not count.
    """
    query = select(Assignment.annotator, Assignment.created_at, Assignment.ended_at).where(
        Assignment.pool_id == pool_id,
        Assignment.state == ANNOTATED,
        Assignment.ended_at <= Assignment.lease_expires_at,
    )
    works: dict[str, list[Work]] = {}
    for annotator, handed_out, ended in session.execute(query.order_by(Assignment.ended_at)):
        assert ended is not None  # as it is only for open ones
        works.setdefault(annotator, []).append((handed_out, ended))
    minutes = [minute for work in works.values() for minute in _minutes(work)]
    return statistics.median(minutes) if minutes else None


def _minutes(work: Sequence[Work]) -> Iterator[float]:
    """One annotator's time for each image; `work` is in the order of its ends."""
    starts = [place for place, (one, next) in enumerate(pairwise(work), 1) if next[1] - one[1] > BURST]
    before = work[0][0]
    for start, end in pairwise([0, *starts, len(work)]):
        burst = work[start:end]
        begun = max(before, min(handed_out for handed_out, _ in burst))
        before = burst[-1][1]
        yield from [(before - begun).total_seconds() / 60 / len(burst)] * len(burst)


def _write_open(session: Session, assignment_id: uuid.UUID, **values: object) -> bool:
    written = update(Assignment).where(Assignment.id == assignment_id, Assignment.state == OPEN)
    return session.scalar(written.values(**values).returning(Assignment.id)) is not None


Named = Select[Assignment, str, str]


def _named() -> Named:
    state = case((and_(Assignment.state == OPEN, ~_leased()), EXPIRED), else_=Assignment.state)
    return select(Assignment, Image.name, state).join(Image, Image.id == Assignment.image_id)


def _read(session: Session, query: Named) -> list[NamedAssignment]:
    return [NamedAssignment(row, name, state) for row, name, state in session.execute(query)]


def _leased() -> ColumnElement[bool]:
    return Assignment.lease_expires_at > from_now(0)


def _is_open() -> ColumnElement[bool]:
    return and_(Assignment.state == OPEN, _leased())
