"""Addresses of images that look like an image or a photo, and of images that are nearly the same."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.access.roles import ANNOTATOR, VIEWER
from service.http.blobs import BINARY, blob_response, changing
from service.http.bodies import Route, receive
from service.http.fields import DistanceOrAuto
from service.http.openapi import errors
from service.http.problems import (
    PHOTO_PROBLEMS,
    IdempotencyKeyReused,
    ImageNotEmbedded,
    JobFailed,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.jobs.enqueue import (
    ACCEPTED,
    IdempotencyKey,
    answered,
    ask,
    order,
    pool_not_embedded,
    require_embedded,
)
from service.lookups import found_image
from service.runtime import Service, ServiceDep
from service.similar.schemas import Duplicates, MostImages, Similar
from store import selections, tables
from store.blobs import Incoming
from store.quotas import SENT
from store.states import SPLITS

router = APIRouter(tags=["similar images"], route_class=Route)

Within = Annotated[
    DistanceOrAuto,
    Query(description="The distance up to which images count as duplicates; `auto`: fitted to the pool."),
]


@router.get(
    "/images/{image_id}/similar",
    summary="Find images that look like this one",
    dependencies=[VIEWER],
    response_model=Similar,
    responses={**ACCEPTED, **errors(NotFound, PoolNotEmbedded, ImageNotEmbedded, JobFailed)},
)
async def list_similar(service: ServiceDep, image_id: UUID, limit: MostImages = 12) -> Response:
    """Searches the embedded images of its pool, in both splits, except the image itself. 202: ask again in a
    moment."""
    job = await run_in_threadpool(_asked_about, service, image_id, limit)
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


@router.post(
    "/pools/{pool_id}/search",
    summary="Find images that look like a photo",
    dependencies=[ANNOTATOR],
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
    limit: MostImages = 12,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload. It does not become part of the pool and is deleted after the
    search. 202: the answer comes later, as the `result` of `/jobs/{id}`."""
    await run_in_threadpool(require_embedded, service, pool_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the photo down")
        job = await service.decoders.queue.run(
            _search_for, service, pool_id, limit, idempotency_key, incoming
        )
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


@router.get(
    "/pools/{pool_id}/duplicates",
    summary="Find images that are nearly the same",
    dependencies=[VIEWER],
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
    """Compares all images of the pool, in both splits: a test image that duplicates a train image is a leak.
    202: ask again in a moment."""
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


def _asked_about(service: Service, image_id: UUID, limit: int) -> tables.Job:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        version = selections.version(session, image.pool_id)
    if image.embed_error:
        raise ImageNotEmbedded(
            f"{image.name} could not be embedded ({image.embed_error}): save the photo again, and upload it "
            "under another name."
        )
    if image.shard_id is None:
        raise pool_not_embedded(
            service, image.pool_id, f"{image.name} is not embedded yet: ask again in a moment."
        )
    spec = {"what": "similar", "image_id": str(image_id), "limit": limit}
    return ask(service, image.pool_id, "search", f"similar:{image_id}:{limit}:{version}", spec)


def _search_for(
    service: Service, pool_id: UUID, limit: int, idempotency_key: str | None, incoming: Incoming
) -> tables.Job:
    service.decoders.photo(incoming.path)
    asked = {"what": "photo", "sha256": incoming.sha256, "limit": limit}
    held = incoming.hold()

    def spec(session: Session) -> dict[str, Any]:
        return {"what": "photo", "photo": held, SENT: incoming.size, "limit": limit}

    try:
        job = order(service, pool_id, "search", asked, idempotency_key, spec)
    except Exception:
        service.blobs.drop(held)
        raise
    if job.spec["photo"] != held:  # the key was sent before, and that job has its own copy of the photo
        service.blobs.drop(held)
    return job


def _duplicates_asked(service: Service, pool_id: UUID, within: float | str) -> tables.Job:
    require_embedded(service, pool_id)
    with service.database.read() as session:
        waiting = selections.waiting(session, pool_id, SPLITS)
        version = selections.version(session, pool_id)
    if waiting:
        raise pool_not_embedded(
            service,
            pool_id,
            f"Photos of the pool are not embedded yet ({waiting}): ask again in a moment.",
        )
    spec = {"what": "duplicates", "within": None if within == "auto" else within}
    return ask(service, pool_id, "search", f"duplicate-groups:{pool_id}:{within}:{version}", spec)
