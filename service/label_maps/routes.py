"""Addresses of unpaired label maps."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from service import deletion
from service.access.roles import CURATOR, VIEWER
from service.access.room import ROOM
from service.decoding.classes import Classes
from service.deletion import Deletion, Now
from service.http.blobs import BINARY
from service.http.bodies import Route, receive
from service.http.names import PathName, SourceName
from service.http.openapi import content, errors, part, stored
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    ClassTableChanged,
    InvalidName,
    NameTaken,
    NotFound,
    RangeNotSatisfiable,
)
from service.label_map_files import ACCEPTED_FILES, Original, kept, label_map_response
from service.label_maps.schemas import LabelMap
from service.lookups import found, found_pool, require_same_classes
from service.runtime import Service, ServiceDep
from store import label_maps, quotas, tables
from store.blobs import Incoming
from store.label_maps import DEFAULT_SOURCE

router = APIRouter(tags=["label maps"], route_class=Route)


OfSource = Annotated[
    SourceName,
    Query(
        description="The data set that the label map is from, or the program that drew it. Names are unique "
        "within a source."
    ),
]
FileName = Annotated[
    PathName, Path(description="A relative path with / between folders, otherwise percent-encoded.")
]


@router.put(
    "/pools/{pool_id}/labels/{name:name}",
    summary="Upload an unpaired label map",
    dependencies=[CURATOR, ROOM],
    status_code=201,
    responses={
        **stored(LabelMap, "label map"),
        **errors(NotFound, NameTaken, InvalidName, ClassTableChanged, *LABEL_MAP_PROBLEMS),
    },
    openapi_extra=BINARY,
    description="A label map without a photo in the pool, for example from another data set or drawn by a "
    f"program. {ACCEPTED_FILES} A training can choose the sources that it learns from.",
)
async def put_label_map(
    service: ServiceDep,
    request: Request,
    response: Response,
    pool_id: UUID,
    name: FileName,
    source: OfSource = DEFAULT_SOURCE,
) -> LabelMap:
    table = await run_in_threadpool(_class_table, service, pool_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "save the label map as a PNG")
        outcome, label_map = await service.decoders.queue.run(
            _accept, service, pool_id, table, source, name, incoming
        )
    if outcome == "unchanged":
        response.status_code = 200
    return label_map


@router.get(
    "/pools/{pool_id}/labels",
    summary="List unpaired label maps",
    dependencies=[VIEWER],
    responses=errors(NotFound, InvalidName),
)
def list_label_maps(
    service: ServiceDep,
    pool_id: UUID,
    source: Annotated[SourceName | None, Query(description="Only label maps of this source.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[LabelMap]:
    """Label maps in the order of upload."""
    with service.database.read() as session:
        table = found_pool(session, pool_id).class_table
        found = label_maps.page(session, pool_id, source=source, after=cursor, limit=limit + 1)
    page, following = cut(found, limit)
    return Page(items=[LabelMap.of(row, table) for row in page], next=following)


@router.get(
    "/pools/{pool_id}/labels/{name:name}",
    summary="Get an unpaired label map's bytes",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/*", "The label map."),
        **part("image/*"),
        **errors(NotFound, InvalidName, RangeNotSatisfiable),
    },
)
def get_label_map(
    service: ServiceDep,
    request: Request,
    pool_id: UUID,
    name: FileName,
    source: OfSource = DEFAULT_SOURCE,
    original: Original = False,
) -> Response:
    with service.database.read() as session:
        class_table = found_pool(session, pool_id).class_table
        label_map = label_maps.by_name(session, pool_id, source, name)
    if label_map is None or label_map.gone_at is not None:
        raise NotFound(
            f"The pool has no unpaired label map {name} of the source {source}: GET /pools/{pool_id}/labels "
            "lists them."
        )
    return label_map_response(service.blobs, request, label_map, class_table, original)


@router.delete(
    "/label_maps/{label_map_id}",
    summary="Delete a label map",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def delete_label_map(service: ServiceDep, label_map_id: UUID, now: Now = False) -> Deletion:
    """Trainings that are ordered afterwards do not learn from it. For a time it can be taken back; then its
    bytes are removed for good."""
    return deletion.delete(service, "label_map", label_map_id, now)


@router.post(
    "/label_maps/{label_map_id}/undelete",
    summary="Take the deletion of a label map back",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def undelete_label_map(service: ServiceDep, label_map_id: UUID) -> LabelMap:
    """410: it is too late."""
    deletion.undelete(service, "label_map", label_map_id)
    return _document(service, label_map_id)


def _document(service: Service, label_map_id: UUID) -> LabelMap:
    with service.database.read() as session:
        row = found(label_maps.get(session, label_map_id), "label_map", label_map_id)
        return LabelMap.of(row, found_pool(session, row.pool_id).class_table)


def _class_table(service: Service, pool_id: UUID) -> dict[str, Any] | None:
    with service.database.read() as session:
        return found_pool(session, pool_id).class_table


def _accept(
    service: Service,
    pool_id: UUID,
    table: dict[str, Any] | None,
    source: str,
    name: str,
    incoming: Incoming,
) -> tuple[str, LabelMap]:
    checked = service.decoders.label_map(incoming.path, Classes.of(table))
    files = kept(service.blobs, incoming, checked)
    size = {"width": checked.width, "height": checked.height}
    new = tables.LabelMap(source=source, name=name, **size, **files)
    with service.database.write() as session:
        service.require_blobs(new.sha256, new.original_sha256 or new.sha256)
        require_same_classes(session, pool_id, table)
        outcome, label_map = label_maps.add(session, pool_id, new)
    if outcome == "conflict":
        raise NameTaken(
            f"{name} of the source {source} is already in the pool with other bytes, or was deleted: send "
            "this label map under another name, or with another ?source=…",
            sha256=label_map.original_sha256 or label_map.sha256,
        )
    if outcome == "created":
        service.quotas.note(0, quotas.size_of(label_map))
    return outcome, LabelMap.of(label_map, table)
