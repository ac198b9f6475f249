"""Addresses that explain why a selection is good. An explanation is made when first asked for, and kept."""

from itertools import accumulate
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.access.roles import VIEWER
from service.explanations.schemas import Explanation, Member, PoolMap
from service.http.blobs import blob_response, changing
from service.http.bodies import Route
from service.http.openapi import content, errors
from service.http.pages import Limit, Page
from service.http.problems import JobFailed, NotFound
from service.jobs.enqueue import ACCEPTED, answered, ask
from service.lookups import found_selection
from service.runtime import Service, ServiceDep
from store import assignments, explanations, images, tables

router = APIRouter(tags=["explanations"], route_class=Route)

LATER = {**ACCEPTED, **errors(NotFound, JobFailed)}

Rank = Annotated[int, Path(ge=1, le=1_000_000, description="Rank of the pick, from 1.")]
Position = Annotated[
    int, Query(ge=0, le=2**31, description="`next` of the previous page. Left out: the nearest images.")
]


@router.get(
    "/selections/{selection_id}/explanation",
    summary="Ask why these images",
    dependencies=[VIEWER],
    response_model=Explanation,
    responses=LATER,
)
async def explain_selection(service: ServiceDep, selection_id: UUID) -> Response:
    """Explains how well the picks cover the pool, how many random selections they beat, what each pick adds,
    and how many images it stands for. 202: ask again in a moment."""
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    return JSONResponse(await run_in_threadpool(_document, service, made))


@router.get(
    "/selections/{selection_id}/map",
    summary="Get the pool as points in a plane",
    dependencies=[VIEWER],
    response_model=PoolMap,
    responses={304: {"description": "`If-None-Match` names these bytes."}, **LATER},
)
async def get_map(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """A projection of the embeddings: images that are close in the plane look alike."""
    return await _answer_file(service, request, selection_id, "map", "application/json")


@router.get(
    "/selections/{selection_id}/map.png",
    summary="Get the map as a picture",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/png", "The map, with clusters coloured and the picks marked with their rank."),
        **LATER,
    },
)
async def get_map_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    return await _answer_file(service, request, selection_id, "map.png", "image/png")


@router.get(
    "/selections/{selection_id}/curve.png",
    summary="Get coverage against budget as a picture",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/png", "The curve and the curve of random draws, with the knee marked."),
        **LATER,
    },
)
async def get_curve_png(service: ServiceDep, request: Request, selection_id: UUID) -> Response:
    """With labelling times, once it is known how long an image takes."""
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    blob = made.files["curve.png"]
    if job := await run_in_threadpool(_priced, service, made):
        result = await answered(service, job)
        if isinstance(result, Response):
            return result
        blob = result["curve"]
    return await run_in_threadpool(_file, service, request, blob, "image/png")


@router.get(
    "/selections/{selection_id}/picks/{rank}/images",
    summary="List the images that a pick stands for",
    dependencies=[VIEWER],
    response_model=Page[Member],
    responses=LATER,
)
async def list_members(
    service: ServiceDep, selection_id: UUID, rank: Rank, cursor: Position = 0, limit: Limit = 100
) -> Response:
    """Nearest first; the first image is the pick itself. Deleted images are left out, so that a page may
    have fewer than `limit`."""
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    page = await run_in_threadpool(_members, service, made, rank, cursor, limit)
    return JSONResponse(page.model_dump(mode="json"))


async def _made(service: Service, selection_id: UUID) -> tables.Explanation | Response:
    """The explanation, or the answer until it is made."""
    made = await run_in_threadpool(_made_or_asked, service, selection_id)
    if isinstance(made, tables.Job):
        result = await answered(service, made)
        if isinstance(result, Response):
            return result
        made = await run_in_threadpool(_made_or_asked, service, selection_id)
        assert isinstance(made, tables.Explanation)
    return made


def _made_or_asked(service: Service, selection_id: UUID) -> tables.Explanation | tables.Job:
    with service.database.read() as session:
        selection = found_selection(session, selection_id)
        if made := explanations.of_selection(session, selection_id):
            return made
    spec = {"selection_id": str(selection_id)}
    return ask(service, selection.pool_id, "explain", f"explain:{selection_id}", spec)


def _document(service: Service, made: tables.Explanation) -> dict[str, Any]:
    """The document with links, what is deleted now, and costs from the labelling times known today."""
    with service.database.read() as session:
        pool_id = UUID(made.document["pool_id"])
        minutes = assignments.minutes_per_image(session, pool_id)
        deleted = images.deleted_of(session, pool_id)
    address = f"/selections/{made.selection_id}"
    links = {name.replace(".", "_"): f"{address}/{name}" for name in ("map", "map.png", "curve.png")}
    curve = [
        point | {"minutes": None if minutes is None else minutes * point["budget"]}
        for point in made.document["curve"]
    ]
    return {
        **made.document,
        "curve": curve,
        "deleted": sorted(map(str, deleted)),
        "cost": None if minutes is None else _cost(made.document, minutes),
        "links": {"selection": address, **links},
    }


def _cost(document: dict[str, Any], minutes: float) -> dict[str, float | None]:
    knee = document["knee"]
    return {
        "minutes_per_image": minutes,
        "minutes": minutes * document["budget"],
        "minutes_to_knee": minutes * knee["budget"] if knee else None,
    }


async def _answer_file(
    service: Service, request: Request, selection_id: UUID, name: str, media_type: str
) -> Response:
    made = await _made(service, selection_id)
    if isinstance(made, Response):
        return made
    blob = made.files[name]
    return await run_in_threadpool(_file, service, request, blob, media_type)


def _file(service: Service, request: Request, blob: dict[str, Any], media_type: str) -> Response:
    """A blob, which is made again without a photo that was removed for good."""
    sha256 = blob["sha256"]
    return blob_response(service.blobs, request, sha256, blob["size"], media_type, changing(sha256))


def _priced(service: Service, made: tables.Explanation) -> tables.Job | None:
    """The job that draws the curve with labelling times, rounded to two digits; None if no time is known."""
    pool_id = UUID(made.document["pool_id"])
    with service.database.read() as session:
        minutes = assignments.minutes_per_image(session, pool_id)
    if minutes is None:
        return None
    spec = {"selection_id": str(made.selection_id), "minutes_per_image": float(f"{minutes:.2g}")}
    key = f"curve:{made.selection_id}:{minutes:.2g}"
    return ask(service, pool_id, "explain", key, spec)


def _members(
    service: Service, made: tables.Explanation, rank: int, position: int, limit: int
) -> Page[Member]:
    counts = [pick["count"] for pick in made.document["picks"]]
    if rank > len(counts):
        raise NotFound(f"The selection's picks have ranks 1 to {len(counts)}: ask for one of them.")
    first, end = [0, *accumulate(counts)][rank - 1 : rank + 1]
    start = min(first + position, end)
    with service.blobs.open(made.files["members"]["sha256"]) as file:
        page = explanations.unpacked(file, start, min(limit, end - start))
    with service.database.read() as session:
        names = images.names(session, (member.image_id for member in page))
    items = [
        Member(image_id=member.image_id, name=names[member.image_id].name, distance=member.distance)
        for member in page
        if member.image_id in names
    ]
    following = position + limit
    return Page(items=items, next=str(following) if first + following < end else None)
