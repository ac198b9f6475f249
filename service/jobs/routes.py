"""Addresses that list, watch and cancel jobs."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service import deletion
from service.access.credentials import PrincipalDep
from service.access.roles import ANYONE, CURATOR, VIEWER, whose
from service.access.standing import ALIVE, woken
from service.deletion import Deletion, Now
from service.http.blobs import blob_response
from service.http.bodies import Route
from service.http.openapi import errors, part
from service.http.pages import CountedPage, Limit, OrderedCursor, Part, Total, within
from service.http.problems import (
    IdempotencyKeyReused,
    JobFailed,
    JobNotFinished,
    NotCancellable,
    NotDeletable,
    NotFinishable,
    NotFound,
    NotRepeatable,
    RangeNotSatisfiable,
)
from service.jobs.enqueue import (
    ACCEPTED,
    IdempotencyKey,
    accepted,
    order,
    require_success,
    translation,
)
from service.jobs.schemas import Job, Metrics
from service.lookups import found_job, found_pool
from service.runtime import Service, ServiceDep
from service.watch import MOST_LINES, Line, as_lines
from store import events, job_lists, job_parts, jobs, tables
from store.job_kinds import Kind
from store.job_lists import Sort, Wanted
from store.states import ENDED, JobState

router = APIRouter(tags=["jobs"], route_class=Route)

FILES = {"import": ("report", "application/json"), "export": ("file", "application/zip")}
"""The file in the result of a job of this kind, and its media type."""

JobOutput = Annotated[
    Literal["label_map", "rgb", "doubt"] | None,
    Query(
        description="Of a translation, the label map or the RGB image behind it; of a suggestion, the label "
        "map or its doubt. Left out: the label map, if there is one."
    ),
]
REPEATABLE = ("train", "evaluate", "export")

AFTER = Query(ge=-1, le=2**31 - 1, description="Only steps greater than this.")
LAST_EVENT_ID = Header(
    alias="Last-Event-ID", ge=-1, le=2**31 - 1, description="Only metrics after this step."
)


@router.get("/jobs", summary="List jobs", dependencies=[ANYONE], responses=errors())
def list_jobs(
    service: ServiceDep,
    principal: PrincipalDep,
    pool: Annotated[UUID | None, Query(description="Only jobs of this pool.")] = None,
    state: JobState | None = None,
    kind: Kind | None = None,
    sort: Annotated[Sort, Query(description="With a minus, the largest first.")] = "-added",
    contains: Annotated[Part, within("method (of a training), pool's name or error")] = None,
    total: Total = False,
    cursor: OrderedCursor = None,
    limit: Limit = 100,
) -> CountedPage[Job]:
    """The jobs of your pools, newest first, or as `sort` says."""
    wanted = Wanted(pool, state, kind, contains, whose(principal), sort)
    with service.database.read() as session:
        page, following = job_lists.page(session, wanted, cursor=cursor, limit=limit)
        count = job_lists.total(session, wanted) if total else None
    return CountedPage(items=[Job.of(job) for job in page], next=following, total=count)


@router.get("/jobs/{job_id}", summary="Get a job", dependencies=[VIEWER], responses=errors(NotFound))
def get_job(service: ServiceDep, job_id: UUID) -> Job:
    return Job.of(service.job(job_id))


@router.get(
    "/jobs/{job_id}/metrics",
    summary="Get a training's loss and metric history",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def get_metrics(
    service: ServiceDep, job_id: UUID, after: Annotated[int, AFTER] = -1, limit: Limit = 1000
) -> Metrics:
    """Metrics in the order of steps. Ask again with `after` set to `next` for newer ones."""
    with service.database.read() as session:
        found_job(session, job_id)
        metrics = job_parts.metrics(session, job_id, after=after, limit=limit)
    return Metrics(items=metrics, next=metrics[-1]["step"] if metrics else None)


def _existing(service: ServiceDep, job_id: UUID) -> UUID:
    return service.job(job_id).id


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job as server-sent events",
    dependencies=[VIEWER],
    response_class=EventSourceResponse,
    responses=errors(NotFound),
)
async def get_events(
    service: ServiceDep,
    job_id: Annotated[UUID, Depends(_existing)],
    last_event_id: Annotated[int, LAST_EVENT_ID] = -1,
) -> AsyncIterator[ServerSentEvent]:
    """Sends an event `metric` for each step of the history, with the step as id, and an event `state` with
    the job whenever it changes. The stream ends when the job has ended, when the server
    stops, and within seconds when whoever follows it may not any more; `Last-Event-ID` resumes it."""
    after, told = last_event_id, ""
    with service.watch.follow(job_id) as job:
        while True:
            changed = job.changed
            while after < job.last_step:
                lines = job.lines_after(after)
                if lines is None:
                    lines = await run_in_threadpool(_older_lines, service, job_id, after)
                for step, line in lines:
                    yield ServerSentEvent(event="metric", raw_data=line, id=str(step))
                after = lines[-1][0] if lines else job.last_step
            if job.row and not job.told:
                job.told = Job.of(job.row).model_dump_json()
            if job.told != told:
                told = job.told
                yield ServerSentEvent(event="state", raw_data=told)
            if job.is_over:
                return
            if not await woken(changed, job.row.pool_id if job.row else None):
                return
            if not changed.is_set():
                yield ALIVE


@router.get(
    "/jobs/{job_id}/output",
    summary="Get the file that a job made",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {}, "application/json": {}, "application/zip": {}},
            "description": "Of a translate or suggest job, a PNG of the photo's size; a label map has a "
            "palette of class colours, a map of doubt is grey, 0 to 255. Of an "
            "import, its report: what became of every label map. Of an export, its zip.",
        },
        **part("application/zip"),
        304: {"description": "`If-None-Match` names these bytes."},
        **errors(NotFound, JobNotFinished, JobFailed, RangeNotSatisfiable),
    },
)
def get_output(service: ServiceDep, request: Request, job_id: UUID, format: JobOutput = None) -> Response:
    job = service.job(job_id)
    if job.kind in FILES:
        name, media_type = FILES[job.kind]
        file = require_success(job)[name]
        return blob_response(service.blobs, request, file["sha256"], file["size"], media_type)
    if job.kind not in ("translate", "suggest"):
        raise NotFound(f"A job of kind {job.kind} makes no file: its result is in /jobs/{job_id}.")
    assert job.pool_id
    with service.database.read() as session:
        class_table = found_pool(session, job.pool_id).class_table
    return translation(service, request, require_success(job), format, class_table)


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    dependencies=[CURATOR],
    responses=errors(NotFound, NotCancellable),
)
def cancel_job(service: ServiceDep, job_id: UUID) -> Job:
    """Cancels a queued job immediately, and a running job when its worker has stopped it. A job that has
    ended does not change. Embed jobs cannot be cancelled: without them their photos could never be picked."""
    with service.database.write() as session:
        job = found_job(session, job_id)
        if job.kind == "embed":
            raise NotCancellable("Embedding is part of the pool and cannot be cancelled: let it continue.")
        if job.state not in ENDED and not job.cancel_requested:
            events.add(session, job.pool_id, "cancelled", "job", job_id)
        jobs.cancel(session, job_id)
    return get_job(service, job_id)


@router.post(
    "/jobs/{job_id}/retry",
    summary="Order a job that failed again",
    dependencies=[CURATOR],
    status_code=202,
    responses={**ACCEPTED, **errors(NotFound, NotRepeatable, IdempotencyKeyReused)},
)
def retry_job(service: ServiceDep, job_id: UUID, idempotency_key: IdempotencyKey = None) -> Response:
    """A training, an evaluation or an export that has failed or was cancelled is ordered as a new job, with
    the order of then: a training learns from the same revisions."""
    earlier = service.job(job_id)
    if earlier.kind not in REPEATABLE:
        raise NotRepeatable(f"A job of kind {earlier.kind} is not ordered again by hand: ask anew.")
    if earlier.state not in ("failed", "cancelled"):
        raise NotRepeatable(f"The job is {earlier.state}: there is nothing to repeat.")
    asked = {"again": str(job_id)}
    return accepted(
        order(service, earlier.pool_id, earlier.kind, asked, idempotency_key, lambda session: earlier.spec)
    )


@router.delete(
    "/jobs/{job_id}", summary="Delete a job", dependencies=[CURATOR], responses=errors(NotFound, NotDeletable)
)
def delete_job(service: ServiceDep, job_id: UUID, now: Now = False) -> Deletion:
    """The record of a job that has ended: its history and run directory, and what only it refers to, a
    translation or an evaluation for example. A model or a selection that it made has to be deleted first."""
    with service.database.read() as session:
        if job := jobs.get(session, job_id):
            _require_deletable(job, jobs.result_kept(session, job_id))
    return deletion.delete(service, "job", job_id, now)


@router.post(
    "/jobs/{job_id}/undelete",
    summary="Take the deletion of a job back",
    dependencies=[CURATOR],
    responses=errors(NotFound, NotDeletable),
)
def undelete_job(service: ServiceDep, job_id: UUID) -> Job:
    """410: it is too late."""
    deletion.undelete(service, "job", job_id)
    return get_job(service, job_id)


@router.post(
    "/jobs/{job_id}/finish",
    summary="End a training now and keep its model",
    dependencies=[CURATOR],
    responses=errors(NotFound, NotFinishable),
)
def finish_job(service: ServiceDep, job_id: UUID) -> Job:
    """The training ends after the step that it is at; its model is exported as at the end of all steps. The
    answer comes at once: follow the job. A job that has ended does not change."""
    with service.database.write() as session:
        job = found_job(session, job_id)
        is_new = not job.finish_requested
        if jobs.finish(session, job_id):
            if is_new:
                events.add(session, job.pool_id, "finished", "job", job_id, done=job.done)
        elif job.kind != "train":
            raise NotFinishable(f"A job of kind {job.kind} has no model to keep: cancel it, or let it end.")
        elif job.state not in ENDED:
            raise NotFinishable("The training has not begun: it has no model to keep. Cancel it instead.")
    return get_job(service, job_id)


def _older_lines(service: Service, job_id: UUID, after: int) -> list[Line]:
    with service.database.read() as session:
        return as_lines(job_parts.metrics(session, job_id, after=after, limit=MOST_LINES))


def _require_deletable(job: tables.Job, made: str | None) -> None:
    if job.kind in ("embed", "delete"):
        raise NotDeletable(f"Jobs of kind {job.kind} belong to their pool: delete the pool.")
    if job.state not in ENDED:
        raise NotDeletable(f"The job is {job.state}: cancel it first.")
    if made:
        raise NotDeletable(f"The job made the {made}: delete that instead, or first for good.")
