"""Addresses for whoever runs the service: alive? ready? doing what? And what each problem means."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from service.http import problems
from service.http.bodies import Route
from service.http.problems import NotFound, Unavailable
from service.http.render import errors
from service.runtime import Service, ServiceDep
from store.database import SchemaMismatch

router = APIRouter(tags=["operations"], route_class=Route)


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """What was checked, each `ok` or what is wrong."""

    database: str = Field(description="It answers, and its schema is the newest.")
    blobs: str = Field(description="Bytes can be written.")
    broker: str = Field(
        description="Without it the service stays ready: jobs are kept and wait for their bell."
    )


class ProblemType(BaseModel):
    type: str = Field(examples=["/problems/name-taken"])
    title: str
    status: int


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Looks at nothing but the process itself."""
    return Health(status="ok")


@router.get("/readyz", summary="Can requests be served?", responses=errors())
def readyz(service: ServiceDep) -> Readiness:
    """503 unless the database is at its newest schema and blobs can be written."""
    found = Readiness(database=_database(service), blobs=_blobs(service), broker=_broker(service))
    if (found.database, found.blobs) != ("ok", "ok"):
        raise Unavailable(
            f"Database: {found.database}; blobs: {found.blobs}. Mend this, and ask again.",
            **found.model_dump(),
        )
    return found


@router.get("/metrics", summary="Get Prometheus metrics", response_class=Response, responses=errors())
def metrics(request: Request) -> Response:
    """Requests and their latency by route, and jobs by kind and state."""
    return Response(
        generate_latest(request.app.state.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


@router.get("/problems", summary="List every type of problem")
async def list_problems() -> list[ProblemType]:
    return [_explained(problem) for problem in problems.BY_SLUG.values()]


@router.get("/problems/{slug}", summary="Explain a type of problem", responses=errors(NotFound))
async def get_problem(slug: str) -> ProblemType:
    if slug not in problems.BY_SLUG:
        raise NotFound(f"There is no problem {slug}: GET /problems lists them.")
    return _explained(problems.BY_SLUG[slug])


def _explained(problem: type[problems.Problem]) -> ProblemType:
    return ProblemType(type=f"/problems/{problem.slug}", title=problem.title, status=problem.status)


def _database(service: Service) -> str:
    try:
        service.database.require_schema()
    except (SQLAlchemyError, SchemaMismatch) as error:
        return str(error)
    return "ok"


def _blobs(service: Service) -> str:
    try:
        with service.blobs.incoming() as incoming:
            incoming.write(b"ready?")
            incoming.flush()
    except OSError as error:
        return str(error)
    return "ok"


def _broker(service: Service) -> str:
    answers = service.doorbell.bell.broker_answers()
    return "ok" if answers else "does not answer; queued jobs wait until it does"
