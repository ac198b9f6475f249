"""Addresses of a selection's map: the pool as points in a plane."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.explanations.asking import REFUSALS, made_explanation, picture_responses
from service.explanations.schemas import PoolMap
from service.http.blobs import blob_response
from service.http.bodies import Route
from service.jobs.enqueue import ACCEPTED
from service.runtime import Service, ServiceDep

router = APIRouter(route_class=Route)


@router.get(
    "/selections/{selection_id}/map",
    summary="Get the pool as points in a plane",
    response_model=PoolMap,
    responses={304: {"description": "`If-None-Match` names these bytes."}, **ACCEPTED, **REFUSALS},
)
async def get_map(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """A projection of the embeddings: images that are close in the plane look alike."""
    return await _answer_file(service, request, selection_id, "map", "application/json")


@router.get(
    "/selections/{selection_id}/map.png",
    summary="Get the map as a picture",
    response_class=Response,
    responses=picture_responses("The map, with clusters coloured and the picks marked with their rank."),
)
async def get_map_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    return await _answer_file(service, request, selection_id, "map.png", "image/png")


async def _answer_file(
    service: Service, request: Request, selection_id: UUID, name: str, media_type: str
) -> Response:
    made = await made_explanation(service, selection_id)
    if isinstance(made, Response):
        return made
    blob = made.files[name]
    return await run_in_threadpool(
        blob_response, service.blobs, request, blob["sha256"], blob["size"], media_type
    )
