"""What was done to a pool: a row for everything that can be taken back, and for taking it back."""

import uuid
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.pages import newest_first
from store.tables import Event

Kind = Literal["image", "annotation", "label_map", "selection", "model", "job", "pool"]
Action = Literal[
    "withdrawn",
    "excluded",
    "included",
    "moved",
    "renamed",
    "finished",
    "deleted",
    "undeleted",
    "removed",
    "replaced",
]


def add(
    session: Session, pool_id: uuid.UUID, action: Action, kind: Kind, subject_id: uuid.UUID, **details: Any
) -> None:
    """Record an action, in the transaction that does it. `details` are values of JSON."""
    event = Event(pool_id=pool_id, action=action, kind=kind, subject_id=subject_id, details=details)
    session.add(event)
    session.flush()


def removal(session: Session, subject_id: uuid.UUID) -> Event | None:
    """The event of the removal of something, with its receipt if it had one."""
    query = select(Event).where(Event.subject_id == subject_id, Event.action == "removed")
    return session.scalar(query.limit(1))


def page(
    session: Session,
    pool_id: uuid.UUID,
    *,
    subject_id: uuid.UUID | None = None,
    before: uuid.UUID | None,
    limit: int,
) -> Sequence[Event]:
    """Events of a pool, or of one thing in it, that happened before the event `before`; newest first."""
    query = newest_first(select(Event), Event, before, limit, pool_id=pool_id, subject_id=subject_id)
    return session.scalars(query).all()
