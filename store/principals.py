"""Who asks: people and programs, each under a name of its own."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store import tables

LOCAL = "local"
"""The principal of a service that one person runs on their own machine."""


@dataclass(frozen=True)
class Principal:
    """Who makes a request."""

    id: uuid.UUID
    name: str
    admin: bool

    @classmethod
    def of(cls, row: tables.Principal) -> "Principal":
        return cls(row.id, row.name, row.admin)


def named(session: Session, name: str) -> Principal | None:
    """The principal of this name, unless it is disabled."""
    query = select(tables.Principal).where(
        tables.Principal.name == name, tables.Principal.disabled_at.is_(None)
    )
    row = session.scalar(query)
    return Principal.of(row) if row else None


def ensure(session: Session, name: str, *, admin: bool) -> None:
    """Make a principal of this name unless there is one. Any number of processes may do it at once."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        dialect.insert(tables.Principal).on_conflict_do_nothing(), [{"name": name, "admin": admin}]
    )
