"""Who asks: principals, their keys and their logins."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from store.tables.base import Row


class Principal(Row):
    """Who asks: a person or a program."""

    __tablename__ = "principals"

    name: Mapped[str] = mapped_column(String(100), unique=True)
    admin: Mapped[bool] = mapped_column(default=False, server_default=false())
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2, with its salt and parameters. None: no password opens this account."""
    disabled_at: Mapped[datetime | None]
    """Since when none of its credentials counts."""


class ApiKey(Row):
    """A key of a principal, of which only the digest is kept."""

    __tablename__ = "api_keys"

    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(20), unique=True)
    """How the key begins: enough to find it and to recognise it, of no use to guess it."""
    digest: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """To the minute."""


class LoginSession(Row):
    """A browser in which somebody is logged in, of whose cookie only the digest is kept."""

    __tablename__ = "sessions"

    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
