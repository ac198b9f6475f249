"""The address of the images that a pick stands for."""

from itertools import accumulate
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.explanations.asking import REFUSALS, made_explanation
from service.explanations.schemas import Member
from service.http.bodies import Route
from service.http.pages import Limit, Page
from service.http.problems import NotFound
from service.jobs.enqueue import ACCEPTED
from service.runtime import Service, ServiceDep
from store import explanations, images, tables

router = APIRouter(route_class=Route)

Rank = Annotated[int, Path(ge=1, le=1_000_000, description="Rank of the pick, from 1.")]
Position = Annotated[
    int, Query(ge=0, le=2**31, description="`next` of the previous page. Left out: the nearest images.")
]


@router.get(
    "/selections/{selection_id}/picks/{rank}/images",
    summary="List the images that a pick stands for",
    response_model=Page[Member],
    responses={**ACCEPTED, **REFUSALS},
)
async def list_members(
    service: ServiceDep, selection_id: UUID, rank: Rank, cursor: Position = 0, limit: Limit = 100
) -> Response:
    """Nearest first; the first image is the pick itself."""
    made = await made_explanation(service, selection_id)
    if isinstance(made, Response):
        return made
    page = await run_in_threadpool(_members, service, made, rank, cursor, limit)
    return JSONResponse(page.model_dump(mode="json"))


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
    ]
    following = position + limit
    return Page(items=items, next=str(following) if first + following < end else None)
