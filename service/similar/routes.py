"""The address of images that look like a given image."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import ImageNotEmbedded, JobFailed, NotFound, PoolNotEmbedded
from service.jobs.enqueue import ACCEPTED, answered, ask, pool_not_embedded
from service.lookups import found_image
from service.runtime import Service, ServiceDep
from service.similar import duplicates, search
from service.similar.schemas import MostImages, Similar
from store import selections, tables

router = APIRouter(tags=["similar images"], route_class=Route)
router.include_router(search.router)
router.include_router(duplicates.router)


@router.get(
    "/images/{image_id}/similar",
    summary="Find images that look like this one",
    response_model=Similar,
    responses={**ACCEPTED, **errors(NotFound, PoolNotEmbedded, ImageNotEmbedded, JobFailed)},
)
async def list_similar(service: ServiceDep, image_id: UUID, limit: MostImages = 12) -> Response:
    """Searches the embedded images of its pool, in both splits, except the image itself. 202: ask again in a
    moment."""
    job = await run_in_threadpool(_asked_about, service, image_id, limit)
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


def _asked_about(service: Service, image_id: UUID, limit: int) -> tables.Job:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        shards = selections.shard_count(session, image.pool_id)
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
    return ask(service, image.pool_id, "search", f"similar:{image_id}:{limit}:{shards}", spec)
