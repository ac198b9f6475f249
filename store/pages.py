"""Pages of lists: rows in the order of their ids, which are also the pages' cursors."""

from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from store.tables import Row

Columns = TypeVarTuple("Columns")


def oldest_first(
    query: Select[*Columns], table: type[Row], after: UUID | None, limit: int, **equal: Any
) -> Select[*Columns]:
    """The page after the row `after`. A column in `equal` has that value; None stands for any value."""
    if after:
        query = query.where(table.id > after)
    return _filtered(query, table, equal).order_by(table.id).limit(limit)


def newest_first(
    query: Select[*Columns], table: type[Row], before: UUID | None, limit: int, **equal: Any
) -> Select[*Columns]:
    """The page of rows made before the row `before`; `equal` as in `oldest_first`."""
    if before:
        query = query.where(table.id < before)
    return _filtered(query, table, equal).order_by(table.id.desc()).limit(limit)


def total(session: Session, query: Select[*Columns]) -> int:
    """How many rows a query has, whose pages are a part of them."""
    return session.scalars(select(func.count()).select_from(query.order_by(None).subquery())).one()


def _filtered(query: Select[*Columns], table: type[Row], equal: dict[str, Any]) -> Select[*Columns]:
    return query.where(*(getattr(table, name) == value for name, value in equal.items() if value is not None))
