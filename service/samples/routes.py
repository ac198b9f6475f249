"""Addresses of what a training shows while it trains, and later."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from service.access.roles import VIEWER
from service.http.blobs import blob_response
from service.http.bodies import Route
from service.http.openapi import content, errors, part
from service.http.pages import Limit
from service.http.problems import NotFound, RangeNotSatisfiable
from service.lookups import found_job
from service.runtime import ServiceDep
from service.samples.schemas import LogTail, Sample, Samples
from store import job_parts

router = APIRouter(tags=["jobs"], route_class=Route)

AFTER = Query(ge=-1, le=2**31 - 1, description="Only steps greater than this.")
STEP = Path(ge=0, le=2**31 - 1, description="After how many steps it was drawn.")
TAIL = Query(ge=1, le=1000, description="The largest number of lines.")


@router.get(
    "/jobs/{job_id}/samples",
    summary="List the sample sheets of a training",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_samples(
    service: ServiceDep, job_id: UUID, after: Annotated[int, AFTER] = -1, limit: Limit = 100
) -> Samples:
    """They are there while it trains, and stay as long as the job."""
    with service.database.read() as session:
        found_job(session, job_id)
        found = job_parts.samples(session, job_id, after=after, limit=limit)
    return Samples(
        items=[Sample.model_validate(row) for row in found], next=found[-1].step if found else None
    )


@router.get(
    "/jobs/{job_id}/samples/{step}",
    summary="Get a sample sheet",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/png", "The picture."),
        **part("image/png"),
        **errors(NotFound, RangeNotSatisfiable),
    },
)
def get_sample(service: ServiceDep, request: Request, job_id: UUID, step: Annotated[int, STEP]) -> Response:
    with service.database.read() as session:
        found_job(session, job_id)
        sheet = job_parts.sample(session, job_id, step)
    if sheet is None:
        raise NotFound(f"No sample sheet was drawn after step {step}: /jobs/{job_id}/samples lists them.")
    return blob_response(service.blobs, request, sheet.sha256, sheet.size_bytes, "image/png")


@router.get(
    "/jobs/{job_id}/log",
    summary="Get the end of a training's log",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def get_log(service: ServiceDep, job_id: UUID, tail: Annotated[int, TAIL] = 100) -> LogTail:
    """What its processes printed, also after they have ended. Only trainings have any."""
    with service.database.read() as session:
        found_job(session, job_id)
        log = job_parts.log(session, job_id)
    return LogTail(lines=log.splitlines()[-tail:])
