"""The database's clock: leases must not depend on two machines having the same time."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps it as text without a zone, so the zone is added when it is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class from_now(GenericFunction[datetime]):
    """`from_now(seconds)`: the present moment of the database plus these seconds."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(from_now, "postgresql")
def _(element: from_now, compiler: Any, **kw: Any) -> str:
    return f"(clock_timestamp() + {compiler.process(element.clauses, **kw)} * interval '1 second')"


@compiles(from_now, "sqlite")
def _(element: from_now, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds')"


def now(session: Session) -> datetime:
    """The present moment of the database."""
    return session.scalars(select(from_now(0))).one()
