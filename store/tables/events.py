"""What was done, and who is told of it."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import Row


class Event(Row):
    """Something that somebody did."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "pool_id", "id"), Index(None, "principal_id", "id"))

    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pools.id"))
    """None: it concerns no pool."""
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    """What was acted on, as `store.events` names it."""
    subject_id: Mapped[uuid.UUID] = mapped_column(index=True)
    """Its id, which may belong to no row any more; that of an annotation is the id of its image, and that of
    several things at once is the id of what they are in."""
    details: Mapped[dict[str, Any]]
    principal_id: Mapped[uuid.UUID | None]
    """Who did it. None: not known, or the program by itself."""
    address: Mapped[str | None] = mapped_column(String(45))
    """The network address that the request came from."""


class Webhook(Row):
    """An address that is told what happens in a pool."""

    __tablename__ = "webhooks"

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    url: Mapped[str] = mapped_column(String(1000))
    types: Mapped[list[str]]
    """What it is told, as `store.webhooks` names it."""
    secret: Mapped[str] = mapped_column(String(100))
    """What messages are signed with, as the receiver has it too."""
