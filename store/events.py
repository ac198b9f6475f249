"""What was done, by whom and from where: a row for each act, in the transaction of the act."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from store import actors
from store.pages import newest_first
from store.tables import Event, Principal

Kind = Literal[
    "image",
    "annotation",
    "label_map",
    "selection",
    "assignment",
    "model",
    "job",
    "pool",
    "webhook",
    "member",
    "user",
    "key",
]
Action = Literal[
    "created",
    "added",
    "imported",
    "changed",
    "annotated",
    "withdrawn",
    "excluded",
    "included",
    "moved",
    "renamed",
    "replaced",
    "assigned",
    "returned",
    "ordered",
    "finished",
    "cancelled",
    "logged_in",
    "logged_out",
    "revoked",
    "deleted",
    "undeleted",
    "removed",
]


@dataclass(frozen=True)
class Wanted:
    """Which events to list. None stands for all."""

    pool_id: uuid.UUID | None = None
    subject_id: uuid.UUID | None = None
    principal_id: uuid.UUID | None = None
    kind: Kind | None = None
    action: Action | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Named:
    """An event, with the name of whoever did it. None: not known."""

    event: Event
    principal: str | None

    @property
    def id(self) -> uuid.UUID:
        return self.event.id


def add(
    session: Session,
    pool_id: uuid.UUID | None,
    action: Action,
    kind: Kind,
    subject_id: uuid.UUID,
    **details: Any,
) -> None:
    """Record an act of the current actor, in the transaction that does it. `details` are values of JSON.

    None for the pool: it concerns the whole service.
    """
    actor = actors.current()
    event = Event(
        pool_id=pool_id,
        action=action,
        kind=kind,
        subject_id=subject_id,
        details=details,
        principal_id=actor.principal_id,
        address=actor.address,
    )
    session.add(event)
    session.flush()


def removal(session: Session, subject_id: uuid.UUID) -> Event | None:
    """The event of the removal of something, with its receipt if it had one."""
    query = select(Event).where(Event.subject_id == subject_id, Event.action == "removed")
    return session.scalar(query.limit(1))


def page(session: Session, wanted: Wanted, *, before: uuid.UUID | None, limit: int) -> Sequence[Named]:
    """Events that happened before the event `before`, newest first."""
    equal = {name: value for name, value in vars(wanted).items() if name != "since"}
    query: Select[Event, str | None] = select(Event, Principal.name).outerjoin(
        Principal, Principal.id == Event.principal_id
    )
    if wanted.since:  # SQLite compares texts, and writes its own moments without the last three digits
        query = query.where(Event.created_at > wanted.since - timedelta(microseconds=1))
    return [Named(*row) for row in session.execute(newest_first(query, Event, before, limit, **equal))]


def newest_ids(session: Session, pool_id: uuid.UUID, most: int = 200) -> list[uuid.UUID]:
    """The ids of the pool's newest events, oldest first. A late commit may add one before others."""
    query = select(Event.id).where(Event.pool_id == pool_id).order_by(Event.id.desc()).limit(most)
    return list(session.scalars(query))[::-1]


def named(session: Session, event_id: uuid.UUID) -> Named | None:
    query = select(Event, Principal.name).outerjoin(Principal, Principal.id == Event.principal_id)
    row = session.execute(query.where(Event.id == event_id)).one_or_none()
    return Named(*row) if row else None


def every(session: Session, wanted: Wanted, *, at_once: int = 1000) -> Iterator[Named]:
    """All events, newest first, of which at most `at_once` are in memory."""
    before = None
    while found := page(session, wanted, before=before, limit=at_once):
        yield from found
        before = found[-1].id
