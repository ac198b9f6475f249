"""Pools and their members."""

import uuid
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from store.states import ROLES, Role
from store.tables.base import Base, Deletable


class Pool(Deletable):
    """A set of photos with one class table (None for an `rgb` pool) and one encoder."""

    __tablename__ = "pools"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    class_table: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    encoder: Mapped[str] = mapped_column(String(100))
    weights_digest: Mapped[str | None] = mapped_column(String(64))
    """Set by the first shard; a worker whose weights differ refuses the pool."""
    default_strategy: Mapped[str | None] = mapped_column(String(20))
    """The strategy of a selection that names none; None: the service's default."""
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether nothing is left of it but this row and its events."""
    label_mapping: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What people said that labels of imports mean: the position of a class, or None for unlabelled."""


class Membership(Base):
    """What a principal may do in a pool."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), primary_key=True)
    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(String(10))
