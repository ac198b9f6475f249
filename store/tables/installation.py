"""The version of the tables, and facts about the database itself."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import Base

SCHEMA = "0028"
"""The revision of the newest migration, which makes these tables."""


class Installation(Base):
    """Facts about the database itself, in one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    floor: Mapped[str] = mapped_column(String(10))
    """The oldest schema whose programs can use this database: see `Database.require_schema`."""
    written_at: Mapped[datetime | None]
    """When a service last proved that the database can be written."""
