"""The addresses that list what was done."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from service.access.roles import ADMIN, VIEWER
from service.access.standing import ALIVE, woken
from service.events.exports import MEDIA_TYPES, Format, lines
from service.events.schemas import AuditEvent, Event
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import NotFound
from service.jobs.schemas import Job
from service.lookups import found_pool
from service.pool_watch import MOST_NEWS, News
from service.runtime import Service, ServiceDep
from store import events, jobs, progress, tables
from store.events import Action, Kind, Wanted

router = APIRouter(tags=["events"], route_class=Route)

DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")

Subject = Annotated[UUID | None, Query(description="Only events of the thing with this id.")]
OfKind = Annotated[Kind | None, Query(description="Only events of such things.")]
OfAction = Annotated[Action | None, Query(description="Only such acts.")]
OfPool = Annotated[UUID | None, Query(description="Only events of this pool.")]
LENGTH = Query(
    ge=0, le=86_400, description="After so many seconds the stream ends; a browser then asks again by itself."
)
LAST_EVENT_ID = Header(alias="Last-Event-ID", description="The id of the last event that arrived.")
LATE_COMMITS = timedelta(seconds=10)
"""An act may be kept this long after a later one, by a transaction that takes its time."""
OfPrincipal = Annotated[UUID | None, Query(description="Only what this principal did.")]


def _as_documented(text: Any) -> Any:
    """Refuse numbers, which would be read as seconds since 1970."""
    if isinstance(text, str) and not DATE.match(text):
        raise ValueError("give a date and a time with an offset, such as 2026-01-31T00:00:00Z")
    return text


def _moment(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9000:
        raise ValueError("give a time after 1970")
    return moment.astimezone(UTC)


Since = Annotated[
    Annotated[AwareDatetime, BeforeValidator(_as_documented), AfterValidator(_moment)] | None,
    Query(description="Only events at this time or later."),
]


@router.get(
    "/pools/{pool_id}/events",
    summary="List what was done to a pool",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_events(
    service: ServiceDep,
    pool_id: UUID,
    subject: Subject = None,
    kind: OfKind = None,
    action: OfAction = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Event]:
    """Everything that somebody added, ordered, changed or deleted, newest first."""
    wanted = Wanted(pool_id=pool_id, subject_id=subject, kind=kind, action=action)
    with service.database.read() as session:
        found_pool(session, pool_id)
        rows = events.page(session, wanted, before=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[Event.of(row) for row in page], next=following)


def _existing(service: ServiceDep, pool_id: UUID) -> UUID:
    with service.database.read() as session:
        return found_pool(session, pool_id).id


@router.get(
    "/pools/{pool_id}/events/stream",
    summary="Follow a pool as server-sent events",
    dependencies=[VIEWER],
    response_class=EventSourceResponse,
    responses=errors(NotFound),
)
async def follow_pool(
    service: ServiceDep,
    pool_id: Annotated[UUID, Depends(_existing)],
    for_s: Annotated[float, LENGTH] = 3600.0,
    last_event_id: Annotated[UUID | None, LAST_EVENT_ID] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Begins with an event `following`. Then it sends an event `event` for whatever somebody does to the
    pool, its photos, label maps, selections and models, and an event `job` whenever a job of the pool
    changes. What happened before is in the lists. `Last-Event-ID` resumes a stream that was lost: it sends
    what was done since, some of it perhaps again, and the jobs that are at work or have ended since. The
    stream ends within seconds when whoever follows it may not any more."""
    clock = asyncio.get_running_loop().time
    end = clock() + for_s
    with service.watch.pools.follow(pool_id) as pool:
        await pool.is_known(for_s)
        number = pool.count
        yield await run_in_threadpool(_following, service, pool_id)
        if last_event_id:
            for missed in await run_in_threadpool(_missed, service, pool_id, last_event_id):
                yield missed
        while not pool.is_over and clock() < end:
            changed = pool.changed
            for news in pool.after(number):
                number = news.number
                if told := await run_in_threadpool(_told, service, news):
                    yield told
            if not await woken(changed, pool_id, end - clock()):
                return
            if not changed.is_set():
                yield ALIVE


def _following(service: Service, pool_id: UUID) -> ServerSentEvent:
    """What a stream begins with; its id is the newest act's."""
    with service.database.read() as session:
        newest = events.newest_ids(session, pool_id, most=1)
    id = str(newest[0]) if newest else None
    return ServerSentEvent(event="following", raw_data=f'{{"pool_id":"{pool_id}"}}', id=id)


def _told(service: Service, news: News) -> ServerSentEvent | None:
    """The event or the job as it is now; None if it is gone."""
    with service.database.read() as session:
        if news.kind == "event":
            event = events.named(session, news.id)
            return _of_event(event) if event else None
        job = jobs.get(session, news.id)
        return _of_job(job) if job else None


def _missed(service: Service, pool_id: UUID, last: UUID) -> list[ServerSentEvent]:
    """What has happened since the event `last`, and a little before it."""
    with service.database.read() as session:
        known = events.named(session, last)
        if known is None or known.event.pool_id != pool_id:
            return []
        since = known.event.created_at - LATE_COMMITS
        acts = events.page(session, Wanted(pool_id, since=since), before=None, limit=MOST_NEWS)
        changed = progress.changed_since(session, pool_id, since)
        return [*map(_of_event, reversed(acts)), *map(_of_job, changed)]


def _of_event(event: events.Named) -> ServerSentEvent:
    return ServerSentEvent(event="event", raw_data=Event.of(event).model_dump_json(), id=str(event.id))


def _of_job(job: tables.Job) -> ServerSentEvent:
    return ServerSentEvent(event="job", raw_data=Job.of(job).model_dump_json())


@router.get("/events", summary="List what was done to everything", dependencies=[ADMIN], responses=errors())
def list_all_events(
    service: ServiceDep,
    pool: OfPool = None,
    subject: Subject = None,
    principal: OfPrincipal = None,
    kind: OfKind = None,
    action: OfAction = None,
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[AuditEvent]:
    """For administrators: who did what to which thing, when and from where; newest first."""
    wanted = Wanted(pool, subject, principal, kind, action, since)
    with service.database.read() as session:
        rows = events.page(session, wanted, before=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[AuditEvent.of(row) for row in page], next=following)


@router.get(
    "/events/export",
    summary="Export what was done to everything",
    dependencies=[ADMIN],
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/jsonl": {}, "text/csv": {}}, "description": "A line for each."},
        **errors(),
    },
)
def export_events(
    service: ServiceDep,
    pool: OfPool = None,
    subject: Subject = None,
    principal: OfPrincipal = None,
    kind: OfKind = None,
    action: OfAction = None,
    since: Since = None,
    format: Annotated[Format, Query(description="csv: begins with a line of names.")] = "jsonl",
) -> StreamingResponse:
    """For administrators: all of them in one answer, newest first."""
    wanted = Wanted(pool, subject, principal, kind, action, since)
    return StreamingResponse(lines(service, wanted, format), media_type=MEDIA_TYPES[format])
