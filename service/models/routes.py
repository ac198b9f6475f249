"""Addresses of models."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.http.blobs import BINARY, blob_response, fresh
from service.http.bodies import Route, receive
from service.http.problems import IdempotencyKeyReused, JobFailed, NoSuchDirection, NotFound
from service.http.render import Cursor, Limit, Page, cut, errors
from service.images.intake import TOO_LARGE
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.jobs.routes import Output, output
from service.jobs.schemas import Direction
from service.label_maps.routes import LABEL_MAP_PROBLEMS
from service.models.directions import require_direction
from service.models.schemas import Model
from service.pools.schemas import class_ids
from service.runtime import ENDED, Service, ServiceDep, found_model, found_pool
from store import models, tables
from store.blobs import Incoming

router = APIRouter(tags=["models"], route_class=Route)

FORWARD: Direction = "photos_to_labels"
MEDIA_TYPES = {".json": "application/json", ".png": "image/png"}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "A PNG of the photo's size."}
}


@router.get("/pools/{pool_id}/models", summary="List a pool's models", responses=errors(NotFound))
def list_models(service: ServiceDep, pool_id: UUID, cursor: Cursor = None, limit: Limit = 100) -> Page[Model]:
    """Newest first."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        page, following = cut(models.page(session, pool_id, before=cursor, limit=limit + 1), limit)
        ids = [model.id for model in page]
        files, evaluations = models.files(session, ids), models.evaluations(session, ids)
    items = [Model.of(row, files.get(row.id, []), evaluations.get(row.id, [])) for row in page]
    return Page(items=items, next=following)


@router.get("/models/{model_id}", summary="Get a model and its scores", responses=errors(NotFound))
def get_model(service: ServiceDep, model_id: UUID) -> Model:
    with service.database.read() as session:
        row = found_model(session, model_id)
        files, evaluations = models.files(session, [row.id]), models.evaluations(session, [row.id])
    return Model.of(row, files.get(row.id, []), evaluations.get(row.id, []))


@router.get(
    "/models/{model_id}/files/{name}",
    summary="Download one of a model's files",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The file."},
        304: {"description": "`If-None-Match` names these bytes."},
        **errors(NotFound),
    },
)
def get_model_file(
    service: ServiceDep,
    request: Request,
    model_id: UUID,
    name: Annotated[str, Path(examples=["photo_to_label.safetensors"])],
) -> Response:
    """The weights as safetensors, the translator as ONNX, the training's spec, and its sample sheet."""
    with service.database.read() as session:
        found_model(session, model_id)
        file = models.file(session, model_id, name)
    if file is None:
        raise NotFound(f"The model has no file {name}: GET /models/{model_id} lists its files.")
    media_type = MEDIA_TYPES.get(f".{file.name.rpartition('.')[2]}", "application/octet-stream")
    headers = fresh(file.sha256) | {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return blob_response(service.blobs, request, file.sha256, file.size_bytes, media_type, headers)


@router.post(
    "/models/{model_id}/translate",
    summary="Translate a photo, or a label map",
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
    direction: Annotated[Direction, Query(description="What the body is, and what it becomes.")] = FORWARD,
    format: Output = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload, and its label map is the answer; or a label map, and a photo is
    the answer. It does not become part of the pool. 202: the answer comes later, at `/jobs/{id}/output`."""
    pool = await run_in_threadpool(_checked, service, model_id, direction, format)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings.max_image_bytes, TOO_LARGE)
        job = await run_in_threadpool(_order, service, pool, model_id, direction, idempotency_key, incoming)
    job = await service.ended(job.id)
    if job.state not in ENDED:
        return accepted(job)
    return await run_in_threadpool(output, service, request, job, format)


def _checked(service: Service, model_id: UUID, direction: str, format: str | None) -> tables.Pool:
    """The model's pool. Raises a Problem when the model cannot answer in this way."""
    with service.database.read() as session:
        pool = found_pool(session, found_model(session, model_id).pool_id)
        require_direction(session, model_id, direction)
    if format == "label_map" and direction != FORWARD:
        raise NotFound("What is made of a label map is a photo and no label map: leave `format` out.")
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
    if direction == FORWARD:
        service.decoders.photo(incoming.path)
    else:
        service.decoders.label_map(incoming.path, class_ids(pool))
    blob = incoming.keep()
    asked = {"model_id": str(model_id), "sha256": blob.sha256, "direction": direction}
    spec = {**asked, "name": "The photo" if direction == FORWARD else "The label map"}
    return order(service, pool.id, "translate", asked, idempotency_key, lambda session: spec)
