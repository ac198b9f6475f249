"""Addresses that select the images to label."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service import deletion
from service.access.credentials import PrincipalDep
from service.access.roles import CURATOR, VIEWER, require
from service.deletion import Deletion, Now
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import CountedPage, Cursor, Limit, Total, cut
from service.http.problems import (
    BudgetExceedsPool,
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidBudget,
    InvalidSelection,
    JobFailed,
    NoAnnotations,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, answered, order
from service.lookups import found_pool, found_selection
from service.runtime import Service, ServiceDep
from service.selections.questions import asked, check_options
from service.selections.schemas import ListedSelection, Options, Replay, Replayed, SelectBody, SelectionNow
from store import explanations, images, selection_lists, selections, tables
from store.states import Split

router = APIRouter(tags=["selections"], route_class=Route)

REFUSES = (
    *(NotFound, InvalidBudget, InvalidSelection, BudgetExceedsPool, PoolEmpty, PoolNotEmbedded),
    *(NoAnnotations, JobFailed),
)


@router.get(
    "/pools/{pool_id}/select",
    summary="Ask which images to label",
    dependencies=[CURATOR],
    response_model=SelectionNow,
    responses={**ACCEPTED, **errors(*REFUSES)},
)
async def select_images(service: ServiceDep, pool_id: UUID, options: Annotated[Options, Query()]) -> Response:
    """Picks from the embedded images of a split that have no annotation; annotated images count as labelled.
    Asking again gives the same answer until photos or annotations are added. 202: ask again in a moment."""
    job = await run_in_threadpool(asked, service, pool_id, options)
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    return await run_in_threadpool(get_selection, service, UUID(result["selection_id"]))


@router.post(
    "/pools/{pool_id}/select",
    summary="Ask which images to label, with the options in the body",
    dependencies=[CURATOR],
    response_model=SelectionNow,
    responses={**ACCEPTED, **errors(*REFUSES, FileTooLarge)},
)
async def select_images_by_body(service: ServiceDep, pool_id: UUID, options: SelectBody) -> Response:
    """The same as `GET`, for more images in `include` and `exclude` than an address has room for, and for a
    choice among some images. The same question has the same answer, however it is asked."""
    return await select_images(service, pool_id, options)


@router.get(
    "/pools/{pool_id}/selections",
    summary="List a pool's selections",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_selections(
    service: ServiceDep,
    pool_id: UUID,
    split: Split | None = None,
    total: Total = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> CountedPage[ListedSelection]:
    """Newest first. Assignments hand out the picks of the newest one of train images if they name none."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        rows = selection_lists.page(session, pool_id, split=split, before=cursor, limit=limit + 1)
        count = selection_lists.total(session, pool_id, split) if total else None
    page, following = cut(rows, limit)
    return CountedPage(items=[ListedSelection.of_row(row) for row in page], next=following, total=count)


@router.get(
    "/selections/{selection_id}",
    summary="Get a selection",
    dependencies=[VIEWER],
    response_model=SelectionNow,
    responses=errors(NotFound),
)
def get_selection(service: ServiceDep, selection_id: UUID) -> Response:
    with service.database.read() as session:
        return JSONResponse(_now(session, found_selection(session, selection_id)))


@router.delete(
    "/selections/{selection_id}",
    summary="Delete a selection",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def delete_selection(service: ServiceDep, selection_id: UUID, now: Now = False) -> Deletion:
    """Its picks are handed out no more, and the same question gets a new answer. For a time it can be taken
    back; then its explanation and assignments are removed for good. Its receipt stays, in the answer 410 and
    in the pool's events."""
    return deletion.delete(service, "selection", selection_id, now)


@router.post(
    "/selections/{selection_id}/undelete",
    summary="Take the deletion of a selection back",
    dependencies=[CURATOR],
    responses=errors(NotFound),
    response_model=SelectionNow,
)
def undelete_selection(service: ServiceDep, selection_id: UUID) -> Response:
    """410: it is too late."""
    deletion.undelete(service, "selection", selection_id)
    return get_selection(service, selection_id)


@router.post(
    "/selections/replay",
    summary="Make a selection again from its receipt",
    dependencies=[CURATOR],
    response_model=Replayed,
    responses={
        **ACCEPTED,
        **errors(NotFound, InvalidBudget, InvalidSelection, IdempotencyKeyReused, JobFailed, FileTooLarge),
    },
)
async def replay(
    service: ServiceDep, principal: PrincipalDep, made: Replay, idempotency_key: IdempotencyKey = None
) -> Response:
    """The body is a selection as this service returned it, or only its receipt. The selection is made again
    from the images and annotations of that time, and compared. 202: the answer comes later, as the `result`
    of `/jobs/{id}`."""
    await run_in_threadpool(require, service, principal, "curator", "pool", made.pool_id)
    job = await run_in_threadpool(_replay_ordered, service, made, idempotency_key)
    result = await answered(service, job)
    return result if isinstance(result, Response) else JSONResponse(result)


def _now(session: Session, selection: tables.Selection) -> dict[str, Any]:
    """The document, and what has become of the picks."""
    deleted = images.deleted_among(session, selections.ranks(selection))
    return {
        **selection.document,
        "deleted": sorted(map(str, deleted)),
        "explainable": explanations.is_possible(session, selection),
    }


def _replay_ordered(service: Service, made: Replay, idempotency_key: str | None) -> tables.Job:
    with service.database.read() as session:
        pool = found_pool(session, made.pool_id)
        question = made.question(pool)
        check_options(session, pool, question)
    request = {"question": vars(question), "receipt": made.receipt()}

    def spec(session: Session) -> dict[str, Any]:
        return request

    return order(service, made.pool_id, "replay", request, idempotency_key, spec)
