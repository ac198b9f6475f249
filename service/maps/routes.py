"""The address of the map of a pool. Places are computed once for the same photos; marks are of the moment."""

import hashlib
import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from service.access.roles import VIEWER
from service.http.blobs import changing, not_modified
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import (
    BadRequest,
    ImageNotEmbedded,
    JobFailed,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.jobs.enqueue import ACCEPTED, answered, ask, require_embedded
from service.lookups import found_model, found_pool
from service.maps.schemas import MapOptions, PoolColumns
from service.runtime import Service, ServiceDep
from store import image_lists, selections, tables, uncertainties

router = APIRouter(tags=["maps"], route_class=Route)


@router.get(
    "/pools/{pool_id}/map",
    summary="Get all photos of a pool as points in a plane",
    dependencies=[VIEWER],
    response_model=PoolColumns,
    responses={
        **ACCEPTED,
        304: {"description": "`If-None-Match` names this answer."},
        **errors(NotFound, BadRequest, PoolEmpty, PoolNotEmbedded, ImageNotEmbedded, JobFailed),
    },
)
async def get_pool_map(
    service: ServiceDep, request: Request, pool_id: UUID, options: Annotated[MapOptions, Query()]
) -> Response:
    """A projection of the embeddings: photos that are close in the plane look alike. Photos that are not
    embedded yet have no point. 202: ask again in a moment."""
    job = await run_in_threadpool(_asked, service, pool_id, options)
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    return await run_in_threadpool(_answer, service, request, pool_id, options, result["map"]["sha256"])


def _asked(service: Service, pool_id: UUID, options: MapOptions) -> tables.Job:
    require_embedded(service, pool_id)
    with service.database.read() as session:
        _class_place(session, pool_id, options)
        if options.model:
            found_model(session, options.model, within=pool_id)
        version = selections.version(session, pool_id)
    return ask(service, pool_id, "project", f"map:{pool_id}:{version}", {})


def _answer(service: Service, request: Request, pool_id: UUID, options: MapOptions, sha256: str) -> Response:
    with service.blobs.open(sha256) as file:
        places = json.load(file)
    with service.database.read() as session:
        columns = _columns(session, pool_id, options, places)
    content = json.dumps(columns, separators=(",", ":")).encode()
    headers = changing(hashlib.sha256(content).hexdigest())
    if not_modified(request, headers):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _columns(session: Session, pool_id: UUID, options: MapOptions, places: dict[str, Any]) -> dict[str, Any]:
    """The places, and what is known of the photos now. Photos that were deleted since are left out."""
    place = _class_place(session, pool_id, options)
    marks = image_lists.marks(session, pool_id, with_pixels=place is not None)
    there = [row for row, image_id in enumerate(places["image_ids"]) if UUID(image_id) in marks]
    columns = {name: [places[name][row] for row in there] for name in ("image_ids", "x", "y", "cluster")}
    of_images = [marks[UUID(image_id)] for image_id in columns["image_ids"]]
    scores = uncertainties.known(session, pool_id, options.model) if options.model else {}
    return {
        **{name: places[name] for name in ("method", "explained_variance")},
        **columns,
        **{
            name: [int(getattr(mark, name)) for mark in of_images]
            for name in ("test", "labelled", "excluded")
        },
        "share": None if place is None else [mark.share(place) for mark in of_images],
        "uncertainty": [scores.get(UUID(image_id)) for image_id in columns["image_ids"]]
        if options.model
        else None,
    }


def _class_place(session: Session, pool_id: UUID, options: MapOptions) -> int | None:
    """The position of the class that is asked for; None if none is. Raises BadRequest."""
    table = found_pool(session, pool_id).class_table
    names = [entry["name"] for entry in table["classes"]] if table else []
    if options.share_of is None:
        return None
    if options.share_of not in names:
        known = f"its classes are {', '.join(names)}" if names else "it has no classes"
        raise BadRequest(f"The pool has no class {options.share_of}: {known}.")
    return names.index(options.share_of)
