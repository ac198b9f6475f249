"""Who asks: people and programs, each under a name of its own."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store import clock, events, tables
from store.pages import oldest_first

LOCAL = "local"
"""Who uses a service that runs on their own machine, for this person alone."""
ADMIN = "admin"
"""Who has the key of the setting FEWPAIRS_ADMIN_KEY."""
OF_SETTINGS = (LOCAL, ADMIN)
"""Principals whose first key is in the settings; they have no password."""


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


def account(session: Session, name: str) -> tables.Principal | None:
    """The row of a principal, which may be disabled."""
    return session.scalar(select(tables.Principal).where(tables.Principal.name == name))


def page(session: Session, *, after: uuid.UUID | None, limit: int) -> Sequence[tables.Principal]:
    """Principals made after the principal `after`, oldest first; disabled ones too."""
    return session.scalars(oldest_first(select(tables.Principal), tables.Principal, after, limit)).all()


def add(session: Session, name: str, *, admin: bool, password_hash: str | None) -> tables.Principal:
    """Make an account. Raises IntegrityError if another principal has the name."""
    row = tables.Principal(name=name, admin=admin, password_hash=password_hash)
    session.add(row)
    session.flush()
    session.refresh(row)
    events.add(session, None, "created", "user", row.id, name=name, admin=admin)
    return row


def disable(session: Session, row: tables.Principal, is_disabled: bool) -> None:
    """From now on none of the principal's credentials counts, or those that are valid count again."""
    if is_disabled != (row.disabled_at is not None):
        row.disabled_at = clock.now(session) if is_disabled else None
        session.flush()


def ensure(session: Session, name: str, *, admin: bool) -> Principal:
    """The principal of this name, made unless there is one. Any number of processes may do it at once."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        dialect.insert(tables.Principal).on_conflict_do_nothing(), [{"name": name, "admin": admin}]
    )
    return Principal.of(session.scalars(select(tables.Principal).where(tables.Principal.name == name)).one())


def has_admin(session: Session) -> bool:
    """Whether there is an administrator beside those of the settings."""
    query = select(tables.Principal.id).where(
        tables.Principal.admin,
        tables.Principal.disabled_at.is_(None),
        tables.Principal.name.not_in(OF_SETTINGS),
    )
    return session.scalar(query.limit(1)) is not None
