"""Assignments of picks to annotators: an image has one annotator at a time, under a lease."""

import statistics
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from sqlalchemy import ColumnElement, Select, and_, case, select, update
from sqlalchemy.orm import Session

from store import annotations, events, pools
from store.chunks import VALUES_A_QUERY, chunks, rows_where_in
from store.clock import from_now
from store.filters import in_use
from store.pages import newest_first
from store.states import ANNOTATED, EXPIRED, OPEN, RETURNED
from store.tables import Assignment, Image

IMAGES_A_LOCK = 500

BURST = timedelta(minutes=1)
"""Annotations at most this far apart were sent together, so none of them was drawn in between."""

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
    """Renew the annotator's open assignments, and add picks by rank until there are `count` of them.

    `picks` are {image id: rank}. A pick is free if it is neither assigned nor annotated; if too few are free,
    the annotator gets fewer. Returns the number of picks that are still free.
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
    if chosen:
        given = {"annotator": annotator, "images": [str(image_id) for image_id in chosen]}
        events.add(session, pool_id, "assigned", "selection", selection_id, **given)
    return len(free) - len(chosen)


def _free(session: Session, picks: Mapping[uuid.UUID, int]) -> list[uuid.UUID]:
    """The picks in use that are neither annotated nor assigned, by rank.

    Assignments whose lease has run out must be ended before; one that runs out later still holds its image.
    """
    ids = sorted(picks, key=lambda image_id: picks[image_id])
    in_hand = select(Assignment.image_id).where(Assignment.state == OPEN)
    used = select(Image.id).where(in_use())
    taken = annotations.annotated(session, ids)
    taken |= {image_id for (image_id,) in rows_where_in(session, in_hand, Assignment.image_id, ids)}
    usable = {image_id for (image_id,) in rows_where_in(session, used, Image.id, ids)}
    return [image_id for image_id in ids if image_id in usable - taken]


def _locked(session: Session, free: Iterable[uuid.UUID], count: int) -> list[uuid.UUID]:
    """The first `count` of these images that can be locked against annotation until the commit.

    An image that is being annotated is skipped, because its annotation may be waiting for this transaction.
    """
    chosen: list[uuid.UUID] = []
    following = iter(free)
    while some := list(islice(following, max(0, min(count - len(chosen), IMAGES_A_LOCK)))):
        these = select(Image.id).where(Image.id.in_(some)).with_for_update(key_share=True, skip_locked=True)
        locked = set(session.scalars(these))
        locked -= annotations.annotated(session, some)
        chosen += [image_id for image_id in some if image_id in locked]
    return chosen


def held_by(session: Session, pool_id: uuid.UUID, annotator: str) -> list[NamedAssignment]:
    """The annotator's open assignments, oldest first."""
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
    """Assignments that are older than the assignment `before`, newest first."""
    query = newest_first(_named(), Assignment, before, limit, pool_id=pool_id, annotator=annotator)
    if is_open is not None:
        query = query.where(_is_open() if is_open else ~_is_open())
    return _read(session, query)


def get(session: Session, assignment_id: uuid.UUID) -> NamedAssignment | None:
    found = _read(session, _named().where(Assignment.id == assignment_id))
    return found[0] if found else None


def renew(session: Session, assignment_id: uuid.UUID, lease_s: float) -> bool:
    """Renew the lease of an open assignment, even if it has run out. Returns False if it has ended."""
    return _write_open(session, assignment_id, lease_expires_at=from_now(lease_s))


def give_back(session: Session, assignment_id: uuid.UUID) -> bool:
    """End an open assignment, so that others can get the image. Returns False if it had ended already."""
    return _write_open(session, assignment_id, state=RETURNED, ended_at=from_now(0))


def annotated(session: Session, *image_ids: uuid.UUID) -> None:
    """End the open assignments of these images, because they are annotated now."""
    for some in chunks(image_ids, VALUES_A_QUERY):
        session.execute(
            update(Assignment)
            .where(Assignment.image_id.in_(some), Assignment.state == OPEN)
            .values(state=ANNOTATED, ended_at=from_now(0))
        )


def end(session: Session, image_id: uuid.UUID) -> None:
    """End the image's open assignment, if there is one, without an annotation."""
    session.execute(
        update(Assignment)
        .where(Assignment.image_id == image_id, Assignment.state == OPEN)
        .values(state=RETURNED, ended_at=from_now(0))
    )


def minutes_per_image(session: Session, pool_id: uuid.UUID) -> float | None:
    """The median time that annotators take; None if none is known.

    It is the time that they worked on their label maps, where that was measured. If it never was, it is the
    time from assignment to annotation.

    An annotator works on one image after the other, and may send several label maps together. Annotations
    within `BURST` of each other equally share the time since the annotator's previous annotation, or since
    the first of their images was assigned, if that was later. Annotations after the end of the lease do not
    count.
    """
    if active := annotations.active_seconds(session, pool_id):
        return statistics.median(active) / 60
    query = select(Assignment.annotator, Assignment.created_at, Assignment.ended_at).where(
        Assignment.pool_id == pool_id,
        Assignment.state == ANNOTATED,
        Assignment.ended_at <= Assignment.lease_expires_at,
    )
    works: dict[str, list[Work]] = {}
    for annotator, handed_out, ended in session.execute(query.order_by(Assignment.ended_at)):
        assert ended is not None  # only open assignments have none
        works.setdefault(annotator, []).append((handed_out, ended))
    minutes = [minute for work in works.values() for minute in _minutes(work)]
    return statistics.median(minutes) if minutes else None


def _minutes(work: Sequence[Work]) -> Iterator[float]:
    """The minutes that one annotator took for each image; `work` is in the order of the annotations."""
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
