"""Selections, and what becomes of them: explanations, and picks in the hands of annotators."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from store.states import ASSIGNMENT_STATES
from store.tables.base import Deletable, Row


class Selection(Deletable):
    """The answer to one select job; `document` is the Selection of the HTTP contract."""

    __tablename__ = "selections"
    __table_args__ = (Index(None, "pool_id", "id"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    document: Mapped[dict[str, Any]]


class Explanation(Row):
    """The result of an explain job about a selection."""

    __tablename__ = "explanations"

    selection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("selections.id"), unique=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    document: Mapped[dict[str, Any]]
    files: Mapped[dict[str, Any]]
    """`{"sha256", "size"}` of blobs `map`, `map.png`, `curve.png` and `members` (`store.explanations`)."""


class Assignment(Row):
    """An image in one annotator's hands, from `created_at` until its lease runs out or `ended_at`."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index(None, "pool_id", "id"),
        Index(
            "uq_assignments_open_image",
            "image_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint(f"state IN {ASSIGNMENT_STATES}", name="state"),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    selection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("selections.id"))
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"))
    rank: Mapped[int]
    """The rank of the image among the picks of the selection."""
    annotator: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), default="open")
    """An open assignment whose lease has run out becomes expired when the pool's picks are assigned next."""
    lease_expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
