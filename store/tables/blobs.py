"""Blobs that belong to no row: those that may leave, and parts of archives that have arrived."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from store.clock import from_now
from store.tables.base import Base


class Leaving(Base):
    """A blob that may not be needed any more; it is removed unless a row still names it."""

    __tablename__ = "leaving"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ArchivePart(Base):
    """A blob of an archive that has arrived and was checked, while its pool is not there yet."""

    __tablename__ = "archive_parts"

    archive: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The SHA-256 of the archive's records, which are a part themselves."""
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    """What it was checked to be, as `store.archives` names it."""
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any]]
    """What the checks found: its size in bytes, and the values that its row must have."""
    created_at: Mapped[datetime] = mapped_column(default=from_now(0))
