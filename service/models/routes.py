"""Addresses of models."""

import json
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from models.catalog import DEFAULT_TEST_TIME, PHOTOS_TO_LABELS
from service import deletion
from service.access.roles import ADMIN, ANNOTATOR, CURATOR, VIEWER
from service.access.room import ROOM
from service.decoding.classes import Classes
from service.deletion import Deletion, Now
from service.http.blobs import BINARY, blob_response, fresh
from service.http.bodies import Route, receive
from service.http.fields import TEST_TIME_MEANS, Direction, TestTime
from service.http.names import Name
from service.http.openapi import content, errors, part, stored
from service.http.pages import CountedPage, Limit, OrderedCursor, Part, Total, within
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    DiskFull,
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidModel,
    InvalidName,
    JobFailed,
    NameTaken,
    NoSuchDirection,
    NotFound,
    RangeNotSatisfiable,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, Output, answered, order, translation
from service.lookups import found_model, found_pool, require_direction, require_pool
from service.models.schemas import Model
from service.runtime import Service, ServiceDep
from store import annotations, blobs, evaluations, events, images, models, pools, quotas, tables
from store.blobs import Incoming
from store.models import Sort, Wanted

router = APIRouter(tags=["models"], route_class=Route)

ONNX_FILE = "model.onnx"
MEDIA_TYPES = {".json": "application/json", ".png": "image/png"}


@router.get(
    "/pools/{pool_id}/models",
    summary="List a pool's models",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_models(
    service: ServiceDep,
    pool_id: UUID,
    sort: Annotated[
        Sort, Query(description="With a minus, the largest first. `name`: of a trained model, the recipe.")
    ] = "-added",
    contains: Annotated[Part, within("name, method or recipe")] = None,
    total: Total = False,
    cursor: OrderedCursor = None,
    limit: Limit = 100,
) -> CountedPage[Model]:
    """Newest first, or as `sort` says."""
    wanted = Wanted(pool_id, contains, sort)
    with service.database.read() as session:
        found_pool(session, pool_id)
        page, following = models.page(session, wanted, cursor=cursor, limit=limit)
        count = models.total(session, wanted) if total else None
        return CountedPage(items=_documents(session, page), next=following, total=count)


@router.post(
    "/pools/{pool_id}/models",
    summary="Import a model as ONNX",
    dependencies=[ADMIN],
    status_code=201,
    responses={
        **stored(Model, "model"),
        **errors(NotFound, InvalidModel, InvalidName, NameTaken, FileTooLarge, DiskFull),
    },
    openapi_extra=BINARY,
)
async def import_model(
    service: ServiceDep,
    request: Request,
    response: Response,
    pool_id: UUID,
    name: Annotated[Name | None, Query(description="Left out: the file's SHA-256.")] = None,
) -> Model:
    """The body is one self-contained ONNX file with one input `photo`: float32 (B, 3, S, S), RGB in [−1, 1];
    or (B, 3, H, W) with free multiples of 32, if the file's metadata has `load_size`, the side of a square of
    the area to which photos are resized. Its only output is the logits of the pool's classes
    (B, classes, h, w); or, if it is named `translation`, an RGB image in [−1, 1] (B, 3, H, W). The model can
    be evaluated, translate and score like a trained one; if the file cannot be used, the first such job fails
    and says why. The ONNX files of trained models can be imported."""
    await run_in_threadpool(require_pool, service.database, pool_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_model_bytes", "export a smaller model")
        is_new, model = await run_in_threadpool(_keep, service, pool_id, name, incoming)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/models/{model.id}"
    return model


@router.get(
    "/models/{model_id}",
    summary="Get a model and its scores",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def get_model(service: ServiceDep, model_id: UUID) -> Model:
    with service.database.read() as session:
        return _documents(session, [found_model(session, model_id)])[0]


@router.delete(
    "/models/{model_id}", summary="Delete a model", dependencies=[CURATOR], responses=errors(NotFound)
)
def delete_model(service: ServiceDep, model_id: UUID, now: Now = False) -> Deletion:
    """It disappears with its evaluations. For a time it can be taken back; then its files and predictions are
    removed for good. Its receipt stays, in the answer 410 and in the pool's events."""
    return deletion.delete(service, "model", model_id, now)


@router.post(
    "/models/{model_id}/undelete",
    summary="Take the deletion of a model back",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def undelete_model(service: ServiceDep, model_id: UUID) -> Model:
    """410: it is too late."""
    deletion.undelete(service, "model", model_id)
    return get_model(service, model_id)


@router.get(
    "/models/{model_id}/files/{name}",
    summary="Download one of a model's files",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("*/*", "The file."),
        **part("*/*"),
        **errors(NotFound, RangeNotSatisfiable),
    },
)
def get_model_file(
    service: ServiceDep,
    request: Request,
    model_id: UUID,
    name: Annotated[str, Path(examples=["photo_to_label.safetensors"])],
) -> Response:
    """The weights as safetensors, the translator as ONNX, the training's spec, or its sample sheet."""
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
    summary="Translate a photo or a label map",
    dependencies=[ANNOTATOR, ROOM],
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "A PNG of the photo's size."},
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
    test_time: Annotated[TestTime, Query(description=TEST_TIME_MEANS)] = DEFAULT_TEST_TIME,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload, and the answer is its label map; or the body is a label map, and
    the answer is a photo. The body does not become part of the pool. 202: the answer comes later, at
    `/jobs/{id}/output`."""
    pool = await run_in_threadpool(_checked, service, model_id, direction, format)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the image down")
        asked = {"model_id": str(model_id), "direction": direction, "test_time": test_time}
        job = await service.decoders.queue.run(_ordered, service, pool, asked, idempotency_key, incoming)
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    return await run_in_threadpool(translation, service, request, result, format, pool.class_table)


def _keep(service: Service, pool_id: UUID, name: str | None, incoming: Incoming) -> tuple[bool, Model]:
    if not incoming.size:
        raise InvalidModel("The body is empty: send the ONNX file as it is.")
    blob = incoming.keep()
    name = name or blob.sha256
    with service.database.write() as session:
        pools.lock(session, pool_id)
        if known := models.by_name(session, pool_id, name):
            return False, _same(session, known, blob.sha256)
        spec = {"onnx": ONNX_FILE, "class_table": found_pool(session, pool_id).class_table}
        described = blobs.put(service.blobs, [json.dumps(spec, indent=2).encode()])
        service.require_blobs(blob.sha256, described.sha256)
        model = tables.Model(
            id=tables.new_id(), pool_id=pool_id, name=name, method="onnx", spec=spec, receipt={}
        )
        models.add(session, model, {ONNX_FILE: blob, models.SPEC_FILE: described})
        events.add(session, pool_id, "added", "model", model.id)
        session.refresh(model)
        return True, _documents(session, [model])[0]


def _same(session: Session, known: tables.Model, sha256: str) -> Model:
    """The model of this name, if it has the same file. Raises NameTaken."""
    document = _documents(session, [known])[0]
    if sha256 not in [file.sha256 for file in document.files]:
        raise NameTaken(
            f"The pool already has another model named {known.name}: send this one under another name."
        )
    return document


def _documents(session: Session, rows: Sequence[tables.Model]) -> list[Model]:
    ids = [row.id for row in rows]
    files, scores = models.files(session, ids), models.evaluations(session, ids)
    left = evaluations.left(session, [evaluation.id for made in scores.values() for evaluation in made])
    pairs = {UUID(image_id) for row in rows for image_id, _ in row.receipt.get("pairs", [])}
    gone, seconds = images.deleted_among(session, pairs), annotations.seconds_of(session, pairs)
    return [Model.of(row, files.get(row.id, []), scores.get(row.id, []), left, gone, seconds) for row in rows]


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


def _ordered(
    service: Service,
    pool: tables.Pool,
    asked: dict[str, str],
    idempotency_key: str | None,
    incoming: Incoming,
) -> tables.Job:
    is_photo = asked["direction"] == PHOTOS_TO_LABELS
    if is_photo:
        service.decoders.photo(incoming.path)
        kept = incoming.keep()
    else:
        canonical = service.decoders.label_map(incoming.path, Classes.of(pool.class_table)).canonical
        kept = blobs.put(service.blobs, [canonical.png]) if canonical else incoming.keep()
    asked = asked | {"sha256": kept.sha256}

    def spec(session: Session) -> dict[str, Any]:
        service.require_blobs(kept.sha256)
        return {**asked, "name": "The photo" if is_photo else "The label map", quotas.SENT: kept.size}

    job = order(service, pool.id, "translate", asked, idempotency_key, spec)
    service.quotas.note(0, kept.size)
    return job
