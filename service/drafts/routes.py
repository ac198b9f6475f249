"""Addresses of drafts: unfinished label maps, which only their owners see and nothing counts."""

from datetime import UTC
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.access.credentials import PrincipalDep
from service.access.roles import ANNOTATOR
from service.access.room import ROOM
from service.decoding.classes import Classes
from service.decoding.label_maps import CheckedLabelMap
from service.drafts.schemas import Draft
from service.http.blobs import BINARY, blob_response, changing
from service.http.bodies import Route, receive
from service.http.fields import ActiveSeconds
from service.http.openapi import errors, part
from service.http.palettes import palette_of
from service.http.problems import LABEL_MAP_PROBLEMS, LabelMapSize, NotFound, RangeNotSatisfiable
from service.label_map_files import ACCEPTED_FILES
from service.lookups import found_image, found_pool, require_same_classes
from service.runtime import Service, ServiceDep
from store import blobs, drafts
from store.blobs import Incoming

router = APIRouter(tags=["annotations"], route_class=Route)

REVISION = Query(ge=1, le=2**31 - 1, description="The revision that it goes on from. Left out: none.")
REVISION_HEADER = "Fewpairs-Revision"
SECONDS_HEADER = "Fewpairs-Active-Seconds"
TEXT = {"schema": {"type": "string"}}
HEADERS = {
    "ETag": {"description": 'Of what is kept, `"<sha256>"`.', **TEXT},
    "Last-Modified": {"description": "When it was sent.", **TEXT},
    REVISION_HEADER: {"description": "The revision that it goes on from; left out: none.", **TEXT},
    SECONDS_HEADER: {"description": "How long you have worked on it.", **TEXT},
}


@router.put(
    "/images/{image_id}/draft",
    summary="Keep an unfinished label map",
    dependencies=[ANNOTATOR, ROOM],
    responses=errors(NotFound, LabelMapSize, *LABEL_MAP_PROBLEMS),
    openapi_extra=BINARY,
    description=f"The body is a label map of the image's size, all of which may be unlabelled. "
    f"{ACCEPTED_FILES} It takes the place of your earlier draft of the image. Only you see it, and nothing "
    "selects, trains or evaluates with it. It goes when you annotate the image.",
)
async def put_draft(
    service: ServiceDep,
    principal: PrincipalDep,
    request: Request,
    image_id: UUID,
    revision: Annotated[int | None, REVISION] = None,
    active_seconds: ActiveSeconds = None,
) -> Draft:
    table, size = await run_in_threadpool(_expected, service, image_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "save the label map as a PNG")
        classes = Classes.of(table)
        checked = await service.decoders.queue.run(
            service.decoders.label_map, incoming.path, classes, size, True
        )
        columns = {
            "revision": revision,
            "active_seconds": active_seconds or 0,
            **await run_in_threadpool(_kept, service, incoming, checked),
        }
    return await run_in_threadpool(_put, service, image_id, principal.id, table, columns)


@router.get(
    "/images/{image_id}/draft",
    summary="Get your unfinished label map",
    dependencies=[ANNOTATOR],
    response_class=Response,
    responses={
        200: {"content": {"image/*": {}}, "headers": HEADERS, "description": "The label map."},
        **part("image/*"),
        204: {"description": "You have no draft of this image."},
        304: {"description": "`If-None-Match` names this draft."},
        **errors(NotFound, RangeNotSatisfiable),
    },
)
def get_draft(service: ServiceDep, principal: PrincipalDep, request: Request, image_id: UUID) -> Response:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        table = found_pool(session, image.pool_id).class_table
        draft = drafts.get(session, image_id, principal.id)
    if draft is None:
        return Response(status_code=204)
    headers = changing(draft.sha256) | {
        "Last-Modified": format_datetime(draft.updated_at.astimezone(UTC), usegmt=True),
        SECONDS_HEADER: f"{draft.active_seconds:g}",
        **({REVISION_HEADER: str(draft.revision)} if draft.revision else {}),
    }
    file = draft.sha256, draft.size_bytes, draft.media_type
    return blob_response(service.blobs, request, *file, headers, palette_of(table))


@router.delete(
    "/images/{image_id}/draft",
    summary="Drop your unfinished label map",
    dependencies=[ANNOTATOR],
    status_code=204,
    responses=errors(NotFound),
)
def delete_draft(service: ServiceDep, principal: PrincipalDep, image_id: UUID) -> None:
    """Repeating the request is safe."""
    with service.database.write() as session:
        found_image(session, image_id)
        drafts.remove(session, image_id, principal.id)


def _expected(service: Service, image_id: UUID) -> tuple[dict[str, Any] | None, tuple[int, int]]:
    """The class table and the size that the label map must have."""
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        return found_pool(session, image.pool_id).class_table, (image.width, image.height)


def _kept(service: Service, incoming: Incoming, checked: CheckedLabelMap) -> dict[str, Any]:
    """Keep what counts of the label map; returns columns of its row."""
    if checked.canonical is None:
        file, media_type = incoming.keep(), checked.media_type
    else:
        file, media_type = blobs.put(service.blobs, [checked.canonical.png]), "image/png"
    counts = checked.canonical.class_pixels if checked.canonical else None
    return {
        **{"sha256": file.sha256, "size_bytes": file.size, "media_type": media_type},
        "class_pixels": counts,
    }


def _put(
    service: Service,
    image_id: UUID,
    principal_id: UUID,
    table: dict[str, Any] | None,
    columns: dict[str, Any],
) -> Draft:
    with service.database.write() as session:
        image, _ = found_image(session, image_id)
        require_same_classes(session, image.pool_id, table)
        service.require_blobs(columns["sha256"])
        return Draft.model_validate(drafts.put(session, image_id, principal_id, **columns))
