"""The address that lists the revisions of an annotation."""

from uuid import UUID

from fastapi import APIRouter

from service.access.roles import VIEWER
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import NotFound
from service.lookups import found_image, found_pool
from service.revisions.schemas import Revision
from service.runtime import ServiceDep
from store import annotations

router = APIRouter(tags=["annotations"], route_class=Route)


@router.get(
    "/images/{image_id}/annotation/revisions",
    summary="List the revisions of an annotation",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_revisions(
    service: ServiceDep, image_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[Revision]:
    """Newest first: who made each, when, and what it holds. `GET /images/{id}/annotation?revision=` has its
    label map."""
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        class_table = found_pool(session, image.pool_id).class_table
        rows = annotations.revisions(session, image_id, before=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[Revision.of(row.annotation, class_table, by=row.by) for row in page], next=following)
