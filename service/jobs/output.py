"""The address of the image that a translate job made."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.http.blobs import blob_response
from service.http.bodies import Route
from service.http.openapi import content, errors
from service.http.problems import JobFailed, JobNotFinished, NotFound
from service.jobs.enqueue import require_success
from service.runtime import Service, ServiceDep

router = APIRouter(route_class=Route)

Output = Annotated[
    Literal["label_map", "rgb"] | None,
    Query(description="The label map, or the RGB translation behind it. Left out: the label map, if any."),
]


@router.get(
    "/jobs/{job_id}/output",
    summary="Get the image that a translate job made",
    response_class=Response,
    responses={
        **content("image/png", "A PNG of the photo's size."),
        **errors(NotFound, JobNotFinished, JobFailed),
    },
)
def get_output(service: ServiceDep, request: Request, job_id: UUID, format: Output = None) -> Response:
    job = service.job(job_id)
    if job.kind != "translate":
        raise NotFound(f"A job of kind {job.kind} makes no image: its result is in /jobs/{job_id}.")
    return output(service, request, require_success(job), format)


def output(service: Service, request: Request, result: dict[str, Any], format: str | None) -> Response:
    """The PNG in the result of a translate job. Raises NotFound if there is none of this format."""
    blob = result[format] if format else result["label_map"] or result["rgb"]
    if blob is None:
        raise NotFound("This translation is an image without classes, not a label map: ask for format=rgb.")
    return blob_response(service.blobs, request, blob["sha256"], blob["size"], "image/png")
