"""The address that lists what was done to a pool."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from service.access.roles import VIEWER
from service.events.schemas import Event
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import NotFound
from service.lookups import found_pool
from service.runtime import ServiceDep
from store import events

router = APIRouter(tags=["events"], route_class=Route)


@router.get(
    "/pools/{pool_id}/events",
    summary="List what was done to a pool",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_events(
    service: ServiceDep,
    pool_id: UUID,
    subject: Annotated[UUID | None, Query(description="Only events of the thing with this id.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Event]:
    """Everything that was taken back, deleted, left out, moved, renamed or replaced, newest first. Uploads,
    annotations and jobs have lists of their own."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        rows = events.page(session, pool_id, subject_id=subject, before=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[Event.model_validate(row) for row in page], next=following)
