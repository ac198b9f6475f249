"""Pages of lists: the answer, its parameters, and how to make a page from rows."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from service.http.names import SPELLED_AS_KEPT

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list. Ask again with `cursor` set to `next` until `next` is null."""

    items: list[Item]
    next: str | None = Field(None, description="The cursor of the next page; null on the last page.")


class CountedPage(Page[Item], Generic[Item]):
    """One page of a list, and how many items there are on all pages."""

    total: int | None = Field(None, description="How many items the list has; null unless `total` asks.")


Cursor = Annotated[UUID | None, Query(description="`next` of the previous page. Left out: the first page.")]
OrderedCursor = Annotated[
    str | None,
    Query(
        max_length=500,
        description="`next` of the previous page, in the same order. Left out: the first page.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="The largest number of items on the page.")]


Total = Annotated[bool, Query(description="1: also count the items of all pages.")]
Part = Annotated[str, SPELLED_AS_KEPT] | None


def within(fields: str) -> Any:
    """The parameter `contains`, a Part of one of these fields."""
    return Query(
        min_length=1,
        max_length=255,
        description=f"Only those with this in their {fields}; upper and lower case are the same.",
    )


Contains = Annotated[Part, within("name")]


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=HasId)


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], str | None]:
    """A page of rows and the cursor of the next page. The query must have asked for `limit` + 1 rows."""
    page = rows[:limit]
    return page, str(page[-1].id) if len(rows) > limit else None
