"""The address of a selection's curve: coverage against budget."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.explanations.asking import made_explanation, minutes_per_image, picture_responses
from service.http.blobs import blob_response, changing
from service.http.bodies import Route
from service.jobs.enqueue import answered, ask
from service.runtime import Service, ServiceDep
from store import tables

router = APIRouter(route_class=Route)


@router.get(
    "/selections/{selection_id}/curve.png",
    summary="Get coverage against budget as a picture",
    response_class=Response,
    responses=picture_responses("The curve and the curve of random draws, with the knee marked."),
)
async def get_curve_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """With labelling times, once annotators have labelled some assigned images."""
    made = await made_explanation(service, selection_id)
    if isinstance(made, Response):
        return made
    blob = made.files["curve.png"]
    if job := await run_in_threadpool(_priced, service, made):
        result = await answered(service, job)
        if isinstance(result, Response):
            return result
        blob = result["curve"]
    return await run_in_threadpool(
        blob_response,
        *(service.blobs, request, blob["sha256"], blob["size"], "image/png"),
        changing(blob["sha256"]),
    )


def _priced(service: Service, made: tables.Explanation) -> tables.Job | None:
    """The job that draws the curve with labelling times, rounded to two digits; None if no time is known."""
    minutes = minutes_per_image(service, made)
    if minutes is None:
        return None
    spec = {"selection_id": str(made.selection_id), "minutes_per_image": float(f"{minutes:.2g}")}
    key = f"curve:{made.selection_id}:{minutes:.2g}"
    return ask(service, UUID(made.document["pool_id"]), "explain", key, spec)
