"""Queries about many values: a database limits how many parameters one statement has."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Row, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

VALUES_A_QUERY = 500

T = TypeVar("T")
Columns = TypeVarTuple("Columns")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def rows_where_in(
    session: Session, query: Select[*Columns], column: InstrumentedAttribute[T], values: Iterable[T]
) -> Iterator[Row[*Columns]]:
    """The rows of `query` in which `column` is one of the values, read by as few statements as possible."""
    for chunk in chunks(list(values), VALUES_A_QUERY):
        yield from session.execute(query.where(column.in_(chunk)))
