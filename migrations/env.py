"""Alembic's entry: runs the migrations on the database that `migrations.config` names."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import create_engine

from store.clock import UtcDateTime
from store.settings import Settings
from store.tables import Base


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column type as the plain one it stands for: a migration must not follow the code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


url = context.config.attributes.get("url") or Settings().database
engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=engine.dialect.name == "sqlite",
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
