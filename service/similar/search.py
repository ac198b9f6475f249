"""The address that searches a pool for images that look like an uploaded photo."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.http.blobs import BINARY
from service.http.bodies import Route, receive
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
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, answered, order
from service.runtime import Service, ServiceDep
from service.similar.embedded import require_embedded
from service.similar.schemas import MostImages, Similar
from store import tables
from store.blobs import Incoming

router = APIRouter(route_class=Route)


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
    limit: MostImages = 12,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The body is a photo as for an upload. It does not become part of the pool and is deleted after the
    search. 202: the answer comes later, as the `result` of `/jobs/{id}`."""
    await run_in_threadpool(require_embedded, service, pool_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the photo down")
        job = await run_in_threadpool(_search_for, service, pool_id, limit, idempotency_key, incoming)
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


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
    if job.spec["photo"] != held:  # the key was sent before, and that job has its own copy of the photo
        service.blobs.drop(held)
    return job
