"""The address that translates a photo or a label map with a model."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from models.catalog import PHOTOS_TO_LABELS
from service.http.blobs import BINARY
from service.http.bodies import Route, receive
from service.http.fields import Direction
from service.http.openapi import errors
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    IdempotencyKeyReused,
    JobFailed,
    NoSuchDirection,
    NotFound,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, answered, order
from service.jobs.output import Output, output
from service.lookups import class_ids, found_model, found_pool, require_direction
from service.runtime import Service, ServiceDep
from store import tables
from store.blobs import Incoming

router = APIRouter(route_class=Route)

PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "A PNG of the photo's size."}
}


@router.post(
    "/models/{model_id}/translate",
    summary="Translate a photo or a label map",
    response_class=Response,
    responses={
        **PNG,
        **ACCEPTED,
        **errors(NotFound, NoSuchDirection, IdempotencyKeyReused, JobFailed, *LABEL_MAP_PROBLEMS),
    },
    openapi_extra=BINARY,
)
async def translate(
    service: ServiceDep,
    request: Request,
    model_id: UUID,
    direction: Annotated[
        Direction, Query(description="What the body is, and what it is translated to.")
    ] = PHOTOS_TO_LABELS,
    format: Output = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload, and the answer is its label map; or the body is a label map, and
    the answer is a photo. The body does not become part of the pool. 202: the answer comes later, at
    `/jobs/{id}/output`."""
    pool = await run_in_threadpool(_checked, service, model_id, direction, format)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the image down")
        job = await run_in_threadpool(_order, service, pool, model_id, direction, idempotency_key, incoming)
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    return await run_in_threadpool(output, service, request, result, format)


def _checked(service: Service, model_id: UUID, direction: str, format: str | None) -> tables.Pool:
    """The model's pool. Raises a Problem if the model cannot translate in this direction and format."""
    with service.database.read() as session:
        pool = found_pool(session, found_model(session, model_id).pool_id)
        require_direction(session, model_id, direction)
    if format == "label_map" and direction != PHOTOS_TO_LABELS:
        raise NotFound("A label map is translated to a photo, not to a label map: leave out `format`.")
    if format == "label_map" and pool.class_table is None:
        raise NotFound("The pool has no classes, so its translations have no label map: ask for format=rgb.")
    return pool


def _order(
    service: Service,
    pool: tables.Pool,
    model_id: UUID,
    direction: str,
    idempotency_key: str | None,
    incoming: Incoming,
) -> tables.Job:
    if direction == PHOTOS_TO_LABELS:
        service.decoders.photo(incoming.path)
    else:
        service.decoders.label_map(incoming.path, class_ids(pool))
    blob = incoming.keep()
    asked = {"model_id": str(model_id), "sha256": blob.sha256, "direction": direction}
    spec = {**asked, "name": "The photo" if direction == PHOTOS_TO_LABELS else "The label map"}
    return order(service, pool.id, "translate", asked, idempotency_key, lambda session: spec)
