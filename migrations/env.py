"""Alembic's entry point: runs the migrations on the database that `migrations.config` names."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, inspect, update

from migrations import engine
from store.clock import UtcDateTime
from store.settings import read_settings
from store.tables import Base, Installation


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column type as the plain type behind it: a migration must not depend on the code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


def raise_floor(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """Record the oldest schema whose programs can use the database after a migration: its `floor`."""
    if not inspect(ctx.connection).has_table(Installation.__tablename__):
        return
    floor = getattr(step.up_revision.module, "floor", step.up_revision.revision)
    ctx.connection.execute(update(Installation).where(Installation.floor < floor).values(floor=floor))


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        transactional_ddl=True,
        on_version_apply=raise_floor,
    )
    with context.begin_transaction():
        context.run_migrations()


if given := context.config.attributes.get("connection"):
    migrate(given)
else:
    with engine(context.config.attributes.get("url") or read_settings().database).connect() as connection:
        migrate(connection)
