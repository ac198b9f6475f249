"""Addresses that say why a selection is good. They are made once, when first asked for, and kept."""

from itertools import accumulate
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.explanations.schemas import Explanation, Member
from service.http.blobs import blob_response, changing
from service.http.bodies import Route
from service.http.problems import JobFailed, NotFound
from service.http.render import Limit, Page, errors
from service.jobs.enqueue import ACCEPTED, answered, ask
from service.runtime import Service, ServiceDep
from store import assignments, explanations, selections, tables

router = APIRouter(tags=["explanations"], route_class=Route)

Rank = Annotated[int, Path(ge=1, le=1_000_000, description="Of the pick, from 1.")]
Position = Annotated[
    int, Query(ge=0, le=2**31, description="`next` of the page before; left out: the nearest images.")
]
REFUSALS = errors(NotFound, JobFailed)


def _file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {media_type: {}}, "description": description},
        304: {"description": "`If-None-Match` names these bytes."},
        **ACCEPTED,
        **REFUSALS,
    }


@router.get(
    "/selections/{selection_id}/explanation",
    summary="Ask why these images",
    response_model=Explanation,
    responses={**ACCEPTED, **REFUSALS},
)
async def explain_selection(service: ServiceDep, selection_id: UUID) -> Response:
    """How well the picks cover the pool, how many random selections they beat, what each further pick adds,
    and the images each stands for. 202: ask again in a moment."""
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    return JSONResponse(await run_in_threadpool(_document, service, made))


@router.get(
    "/selections/{selection_id}/map",
    summary="Get the pool as points in a plane",
    response_class=Response,
    responses=_file(
        "application/json",
        "`{method, explained_variance, points: [{image_id, name, x, y, cluster, distance, pick, labelled}]}`,"
        " where `cluster` is the rank of the nearest pick, or null where a labelled image is nearer. Images "
        "that were left out have no point.",
    ),
)
async def get_map(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """A projection of the embeddings: neighbours in the plane look alike."""
    return await _answer_file(service, request, selection_id, "map", "application/json")


@router.get(
    "/selections/{selection_id}/map.png",
    summary="Get the map as a picture",
    response_class=Response,
    responses=_file("image/png", "The map, with clusters coloured and the picks marked with their rank."),
)
async def get_map_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    return await _answer_file(service, request, selection_id, "map.png", "image/png")


@router.get(
    "/selections/{selection_id}/curve.png",
    summary="Get coverage against budget as a picture",
    response_class=Response,
    responses=_file("image/png", "The curve beside that of random draws, with its knee marked."),
)
async def get_curve_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """With the times that labelling takes, once some images were labelled that had been handed out."""
    made = await _made(service, selection_id)
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


@router.get(
    "/selections/{selection_id}/picks/{rank}/images",
    summary="List the images that a pick stands for",
    response_model=Page[Member],
    responses={**ACCEPTED, **REFUSALS},
)
async def list_members(
    service: ServiceDep, selection_id: UUID, rank: Rank, cursor: Position = 0, limit: Limit = 100
) -> Response:
    """The nearest first, the pick itself before all."""
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    page = await run_in_threadpool(_members, service, made, rank, cursor, limit)
    return JSONResponse(page.model_dump(mode="json"))


async def _made(service: Service, selection_id: UUID) -> tables.Explanation | Response:
    """The explanation; or what to answer until there is one."""
    made, job = await run_in_threadpool(_asked, service, selection_id)
    if made:
        return made
    assert job
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    made, _ = await run_in_threadpool(_asked, service, selection_id)
    assert made
    return made


def _asked(service: Service, selection_id: UUID) -> tuple[tables.Explanation | None, tables.Job | None]:
    with service.database.read() as session:
        selection = selections.get(session, selection_id)
        if selection is None:
            raise NotFound(f"There is no selection {selection_id}: GET /pools/{{id}}/select makes one.")
        if made := explanations.of_selection(session, selection_id):
            return made, None
    spec = {"selection_id": str(selection_id)}
    return None, ask(service, selection.pool_id, "explain", f"explain:{selection_id}", spec)


async def _answer_file(
    service: Service, request: Request, selection_id: UUID, name: str, media_type: str
) -> Response:
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    blob = made.files[name]
    return await run_in_threadpool(
        blob_response, service.blobs, request, blob["sha256"], blob["size"], media_type
    )


def _priced(service: Service, made: tables.Explanation) -> tables.Job | None:
    """The job that draws the curve with costs; None where no times are known. Times count by two digits."""
    minutes = _minutes(service, made)
    if minutes is None:
        return None
    spec = {"selection_id": str(made.selection_id), "minutes_per_image": float(f"{minutes:.2g}")}
    key = f"curve:{made.selection_id}:{minutes:.2g}"
    return ask(service, UUID(made.document["pool_id"]), "explain", key, spec)


def _minutes(service: Service, made: tables.Explanation) -> float | None:
    with service.database.read() as session:
        return assignments.minutes_per_image(session, UUID(made.document["pool_id"]))


def _document(service: Service, made: tables.Explanation) -> dict[str, Any]:
    """What was made, with costs by what is known of annotators' times today."""
    minutes = _minutes(service, made)
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


def _members(
    service: Service, made: tables.Explanation, rank: int, position: int, limit: int
) -> Page[Member]:
    counts = [pick["count"] for pick in made.document["picks"]]
    if rank > len(counts):
        raise NotFound(f"The selection's picks have ranks 1 to {len(counts)}: ask for one of these.")
    first, end = [0, *accumulate(counts)][rank - 1 : rank + 1]
    start = min(first + position, end)
    with service.blobs.open(made.files["members"]["sha256"]) as file:
        page = explanations.unpacked(file, start, min(limit, end - start))
    with service.database.read() as session:
        names = explanations.named(session, (member.image_id for member in page))
    items = [
        Member(image_id=member.image_id, name=names[member.image_id].name, distance=member.distance)
        for member in page
    ]
    following = position + limit
    return Page(items=items, next=str(following) if first + following < end else None)
