"""The address of images of a pool that are nearly the same."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.http.blobs import blob_response, changing
from service.http.bodies import Route
from service.http.fields import DistanceOrAuto
from service.http.openapi import errors
from service.http.problems import ImageNotEmbedded, JobFailed, NotFound, PoolEmpty, PoolNotEmbedded
from service.jobs.enqueue import ACCEPTED, answered, ask, pool_not_embedded
from service.runtime import Service, ServiceDep
from service.similar.embedded import require_embedded
from service.similar.schemas import Duplicates
from store import selections, tables
from store.states import SPLITS

router = APIRouter(route_class=Route)

Within = Annotated[
    DistanceOrAuto,
    Query(description="The distance up to which images count as duplicates; `auto`: fitted to the pool."),
]


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


def _duplicates_asked(service: Service, pool_id: UUID, within: float | str) -> tables.Job:
    require_embedded(service, pool_id)
    with service.database.read() as session:
        waiting = selections.waiting(session, pool_id, SPLITS)
        shards = selections.shard_count(session, pool_id)
    if waiting:
        raise pool_not_embedded(
            service,
            pool_id,
            f"Photos of the pool are not embedded yet ({waiting}): ask again in a moment.",
        )
    spec = {"what": "duplicates", "within": None if within == "auto" else within}
    return ask(service, pool_id, "search", f"duplicate-groups:{pool_id}:{within}:{shards}", spec)
