"""Pages of lists, and the cursors that say where a page ended."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from store.tables import Row

Columns = TypeVarTuple("Columns")


class WrongCursor(ValueError):
    """The cursor is of no list in this order."""


def ordered(
    session: Session,
    query: Select[*Columns],
    keys: Mapping[str, Any],
    sort: str,
    *,
    cursor: str | None,
    skip: int = 0,
    limit: int,
) -> tuple[Sequence[Any], str | None]:
    """A page of the rows in the order of a key, with a minus the largest first, and the next page's cursor.

    `keys` has the columns by their names in `sort`; `added`, the id, decides between equal ones. A cursor
    holds what its row was ordered by, so that its place stays when the row changes. Raises WrongCursor.
    """
    key, id, is_falling = keys[sort.removeprefix("-")], keys["added"], sort.startswith("-")
    columns = [id] if key is id else [key, id]
    if cursor:
        here, there = tuple_(*columns), tuple_(*_place(cursor, sort, columns))
        query = query.where(here < there if is_falling else here > there)
    order = [column.desc() for column in columns] if is_falling else columns
    page = query.add_columns(*columns).order_by(*order).offset(skip or None).limit(limit + 1)
    rows = session.execute(page).all()
    found = [row[: -len(columns)] for row in rows[:limit]]
    if len(rows) <= limit:
        return found, None
    return found, ".".join(map(str, (sort, *rows[limit - 1][-len(columns) :])))


def _place(cursor: str, sort: str, columns: Sequence[Any]) -> list[Any]:
    made_for, _, rest = cursor.partition(".")
    texts = rest.rsplit(".", len(columns) - 1)
    try:
        values = [column.type.python_type(text) for column, text in zip(columns, texts, strict=True)]
    except ValueError:
        values = []
    if made_for != sort or not values:
        raise WrongCursor(cursor)
    return values


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
