"""The address that explains why a selection is good."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.explanations.asking import REFUSALS, made_explanation, minutes_per_image
from service.explanations.curve import router as curve_router
from service.explanations.map import router as map_router
from service.explanations.picks import router as picks_router
from service.explanations.schemas import Explanation
from service.http.bodies import Route
from service.jobs.enqueue import ACCEPTED
from service.runtime import Service, ServiceDep
from store import tables

router = APIRouter(tags=["explanations"], route_class=Route)
for part in (map_router, curve_router, picks_router):
    router.include_router(part)


@router.get(
    "/selections/{selection_id}/explanation",
    summary="Ask why these images",
    response_model=Explanation,
    responses={**ACCEPTED, **REFUSALS},
)
async def explain_selection(service: ServiceDep, selection_id: UUID) -> Response:
    """Explains how well the picks cover the pool, how many random selections they beat, what each pick adds,
    and how many images it stands for. 202: ask again in a moment."""
    made = await made_explanation(service, selection_id)
    if isinstance(made, Response):
        return made
    return JSONResponse(await run_in_threadpool(_document, service, made))


def _document(service: Service, made: tables.Explanation) -> dict[str, Any]:
    """The document with links, and with costs from the labelling times known today."""
    minutes = minutes_per_image(service, made)
    address = f"/selections/{made.selection_id}"
    links = {name.replace(".", "_"): f"{address}/{name}" for name in ("map", "map.png", "curve.png")}
    curve = [
        point | {"minutes": None if minutes is None else minutes * point["budget"]}
        for point in made.document["curve"]
    ]
    document = {**made.document, "cost": None, "curve": curve, "links": {"selection": address, **links}}
    if minutes is None:
        return document
    knee = document["knee"]
    cost = {
        "minutes_per_image": minutes,
        "minutes": minutes * document["budget"],
        "minutes_to_knee": minutes * knee["budget"] if knee else None,
    }
    return document | {"cost": cost}
