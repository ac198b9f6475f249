"""The address that says which images to label."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.answers import errors
from service.bodies import Route
from service.edge import Service, ServiceDep, found_pool
from service.jobs.answers import ACCEPTED, accepted, require_success
from service.problems import (
    BudgetExceedsPool,
    InvalidBudget,
    JobFailed,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.selections.schemas import Selection, Strategy
from store import images, jobs, pools, selections
from store.selections import Candidates
from store.tables import Job

router = APIRouter(tags=["selections"], route_class=Route)

BUDGET = Query(ge=1, le=1_000_000, description="How many images you can label.", examples=[10])
STRATEGY = Query(description="`kmedoids`: one image for each cluster of photos; `random`: the control.")
SEED = Query(ge=0, le=2**31 - 1, description="The same seed on the same pool gives the same picks.")


@router.get(
    "/pools/{pool_id}/select",
    summary="Ask which images to label",
    response_model=Selection,
    responses={
        **ACCEPTED,
        **errors(NotFound, InvalidBudget, BudgetExceedsPool, PoolEmpty, PoolNotEmbedded, JobFailed),
    },
)
async def select_images(
    service: ServiceDep,
    pool_id: UUID,
    budget: Annotated[int, BUDGET],
    strategy: Annotated[Strategy, STRATEGY] = "kmedoids",
    seed: Annotated[int, SEED] = 0,
) -> Response:
    """Picks among the embedded train images that have no annotation; those that have one count as labelled.
    Asking again gives the same answer until photos or annotations are added. 202: ask again in a moment."""
    job = await run_in_threadpool(_asked, service, pool_id, budget, strategy, seed)
    job = await service.ended(job.id)
    if job.state not in ("failed", "cancelled", "succeeded"):
        return accepted(job)
    return JSONResponse(await run_in_threadpool(_document, service, job))


def _asked(service: Service, pool_id: UUID, budget: int, strategy: str, seed: int) -> Job:
    """The job that answers this question: the one asked before, or a new one."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        candidates = selections.candidates(session, pool_id)
        key = f"select:{pool_id}:{budget}:{strategy}:{seed}"
        key += f":{candidates.images_digest}:{candidates.annotated_digest}"
        earlier = _usable(session, key)
    _check(service, pool_id, candidates, budget)
    if earlier:
        return earlier
    spec = {"budget": budget, "strategy": strategy, "seed": seed}
    with service.database.write() as session:
        pools.lock(session, pool_id)
        if earlier := _usable(session, key):
            return earlier
        jobs.release_idempotency_key(session, key)
        job = jobs.create(
            session, service.settings, kind="select", pool_id=pool_id, spec=spec, idempotency_key=key
        )
    service.ring(job)
    return job


def _usable(session: Session, key: str) -> Job | None:
    """The job that answers, or will; after one that failed or was cancelled, the question is asked anew."""
    job = jobs.by_idempotency_key(session, key)
    return job if job and job.state not in ("failed", "cancelled") else None


def _check(service: Service, pool_id: UUID, candidates: Candidates, budget: int) -> None:
    if candidates.images == 0:
        raise PoolEmpty("The pool has no train image to pick from: upload photos first.")
    if budget > candidates.images:
        raise BudgetExceedsPool(
            f"The budget is {budget} and the pool has {candidates.images} train images: ask for fewer."
        )
    if candidates.waiting:
        raise PoolNotEmbedded(
            f"{candidates.waiting} of {candidates.images} train images are not embedded yet: ask again until "
            f"`waiting` has come down to 0.{_embed_again(service, pool_id)}",
            waiting=candidates.waiting,
        ).with_headers(Retry_After="2")
    if budget > candidates.pickable:
        raise BudgetExceedsPool(
            f"The budget is {budget} and {candidates.pickable} of {candidates.images} train images can be "
            "picked; the others are annotated, or could not be embedded. Ask for fewer."
        )


def _embed_again(service: Service, pool_id: UUID) -> str:
    """Start embedding again where it ended without its images; sentences about that, if so."""
    with service.database.read() as session:
        if not images.stranded(session, pool_id):
            return ""
    with service.database.write() as session:
        pools.lock(session, pool_id)
        again = images.embed_again(session, service.settings, pool_id)
        failed = jobs.page(session, pool_id=pool_id, state="failed", kind="embed", limit=1)
    service.ring(*again)
    why = f" It had failed: {failed[0].error['detail']}" if failed and failed[0].error else ""
    return f" Embedding had ended before its time and was started again.{why}"


def _document(service: Service, job: Job) -> dict[str, Any]:
    result = require_success(job)
    with service.database.read() as session:
        selection = selections.get(session, UUID(result["selection_id"]))
    assert selection is not None
    return selection.document
