"""What all tables have in common, and what several of them share."""

import uuid
from datetime import datetime
from typing import Any

import uuid6
from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from store import actors
from store.clock import UtcDateTime, from_now


def new_id() -> uuid.UUID:
    """A UUIDv7: later ids sort later, which keyset pages rely on."""
    return uuid.UUID(int=uuid6.uuid7().int)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }


class Row(Base):
    __abstract__ = True

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=from_now(0))


class Deletable(Row):
    __abstract__ = True

    gone_at: Mapped[datetime | None] = mapped_column(index=True)
    """Until when it can be taken back that this was deleted. None: it is not deleted."""


class Contributed(Row):
    """What somebody adds to a pool, within their quota."""

    __abstract__ = True

    added_by: Mapped[uuid.UUID | None] = mapped_column(
        default=lambda: actors.current().principal_id, index=True
    )
    """The principal who did. None: not known, or the program by itself."""
