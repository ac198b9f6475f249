"""Addresses that find images which look alike."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.embedding import not_embedded_yet
from service.http.blobs import BINARY, blob_response, changing
from service.http.bodies import Route, receive
from service.http.problems import (
    IdempotencyKeyReused,
    ImageNotEmbedded,
    JobFailed,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.http.render import errors
from service.images.intake import TOO_LARGE
from service.images.routes import PHOTO_PROBLEMS
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, answered, ask, order
from service.runtime import Service, ServiceDep, found_image, found_pool
from service.selections.schemas import DistanceOrAuto
from service.similar.schemas import Duplicates, Similar
from store import selections, tables
from store.blobs import Incoming

router = APIRouter(tags=["similar images"], route_class=Route)

Most = Annotated[int, Query(ge=1, le=1000, description="Most images in the answer; there may be fewer.")]
Within = Annotated[
    DistanceOrAuto,
    Query(description="The distance up to which images count as duplicates; `auto`: fitted to the pool."),
]
SPLITS = ("train", "test")


@router.get(
    "/images/{image_id}/similar",
    summary="Find images that look like this one",
    response_model=Similar,
    responses={**ACCEPTED, **errors(NotFound, PoolNotEmbedded, ImageNotEmbedded, JobFailed)},
)
async def list_similar(service: ServiceDep, image_id: UUID, limit: Most = 12) -> Response:
    """Among the embedded images of its pool, of both splits, itself left out. 202: ask again in a moment."""
    return await _result(service, await run_in_threadpool(_asked_about, service, image_id, limit))


@router.post(
    "/pools/{pool_id}/search",
    summary="Find images that look like a photo",
    response_model=Similar,
    responses={
        **ACCEPTED,
        **errors(
            *(NotFound, PoolEmpty, PoolNotEmbedded, ImageNotEmbedded, IdempotencyKeyReused, JobFailed),
            *PHOTO_PROBLEMS,
        ),
    },
    openapi_extra=BINARY,
)
async def search(
    service: ServiceDep,
    request: Request,
    pool_id: UUID,
    limit: Most = 12,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload. It does not become part of the pool and is deleted when it was
    looked for. 202: the answer comes later, as the `result` of `/jobs/{id}`."""
    await run_in_threadpool(_require_embedded, service, pool_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings.max_image_bytes, TOO_LARGE)
        job = await run_in_threadpool(_search_for, service, pool_id, limit, idempotency_key, incoming)
    return await _result(service, job)


@router.get(
    "/pools/{pool_id}/duplicates",
    summary="Find images that are nearly the same",
    response_model=Duplicates,
    responses={
        **ACCEPTED,
        304: {"description": "`If-None-Match` names this answer."},
        **errors(NotFound, PoolEmpty, PoolNotEmbedded, ImageNotEmbedded, JobFailed),
    },
)
async def list_duplicates(
    service: ServiceDep, request: Request, pool_id: UUID, within: Within = "auto"
) -> Response:
    """Among all images of the pool, of both splits: a test image among them is a leak. 202: ask again in a
    moment."""
    job = await run_in_threadpool(_duplicates_asked, service, pool_id, within)
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    blob = result["duplicates"]
    return await run_in_threadpool(
        blob_response,
        *(service.blobs, request, blob["sha256"], blob["size"], "application/json"),
        changing(blob["sha256"]),
    )


async def _result(service: Service, job: tables.Job) -> Response:
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


def _asked_about(service: Service, image_id: UUID, limit: int) -> tables.Job:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        shards = selections.shard_count(session, image.pool_id)
    if image.embed_error:
        raise ImageNotEmbedded(f"{image.name} could not be embedded: {image.embed_error}")
    if image.shard_id is None:
        raise not_embedded_yet(
            service, image.pool_id, f"{image.name} is not embedded yet: ask again in a moment."
        )
    spec = {"what": "similar", "image_id": str(image_id), "limit": limit}
    return ask(service, image.pool_id, "search", f"similar:{image_id}:{limit}:{shards}", spec)


def _search_for(
    service: Service, pool_id: UUID, limit: int, idempotency_key: str | None, incoming: Incoming
) -> tables.Job:
    service.decoders.photo(incoming.path)
    asked = {"what": "photo", "sha256": incoming.sha256, "limit": limit}
    held = incoming.hold()

    def spec(session: Session) -> dict[str, Any]:
        return {"what": "photo", "photo": held, "limit": limit}

    try:
        job = order(service, pool_id, "search", asked, idempotency_key, spec)
    except Exception:
        service.blobs.drop(held)
        raise
    if job.spec["photo"] != held:  # the key was sent before: that job has a photo of its own
        service.blobs.drop(held)
    return job


def _duplicates_asked(service: Service, pool_id: UUID, within: float | str) -> tables.Job:
    _require_embedded(service, pool_id)
    with service.database.read() as session:
        waiting = selections.waiting(session, pool_id, SPLITS)
        shards = selections.shard_count(session, pool_id)
    if waiting:
        raise not_embedded_yet(
            service,
            pool_id,
            f"Photos of the pool are still to be embedded ({waiting}): ask again in a moment.",
        )
    spec = {"what": "duplicates", "within": None if within == "auto" else within}
    return ask(service, pool_id, "search", f"duplicate-groups:{pool_id}:{within}:{shards}", spec)


def _require_embedded(service: Service, pool_id: UUID) -> None:
    """Raise what is wrong with a pool that has nothing to compare with."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        if selections.shard_count(session, pool_id):
            return
        images = sum(selections.image_count(session, pool_id, split) for split in SPLITS)
        waiting = selections.waiting(session, pool_id, SPLITS)
    if images == 0:
        raise PoolEmpty("The pool has no photo to compare with: upload photos first.")
    if waiting:
        raise not_embedded_yet(
            service, pool_id, "No photo of the pool is embedded yet: ask again in a moment."
        )
    raise ImageNotEmbedded(
        f"None of the pool's photos could be embedded: GET /pools/{pool_id}/images says why of each."
    )
