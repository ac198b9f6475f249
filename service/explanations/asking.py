"""Have an explanation made when it is first asked for; after that it is kept."""

from typing import Any
from uuid import UUID

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from service.http.openapi import errors
from service.http.problems import JobFailed, NotFound
from service.jobs.enqueue import ACCEPTED, answered, ask
from service.lookups import found_selection
from service.runtime import Service
from store import assignments, explanations, tables

REFUSALS = errors(NotFound, JobFailed)


def picture_responses(description: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {"image/png": {}}, "description": description},
        304: {"description": "`If-None-Match` names these bytes."},
        **ACCEPTED,
        **REFUSALS,
    }


async def made_explanation(service: Service, selection_id: UUID) -> tables.Explanation | Response:
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


def minutes_per_image(service: Service, made: tables.Explanation) -> float | None:
    with service.database.read() as session:
        return assignments.minutes_per_image(session, UUID(made.document["pool_id"]))
