"""Addresses for operators of the service: health, readiness and metrics."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import Unavailable
from service.operations.schemas import Health, Readiness
from service.runtime import Service, ServiceDep
from store.database import SchemaMismatch

router = APIRouter(tags=["operations"], route_class=Route)


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Checks only that the process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Can requests be served?", responses=errors())
def readyz(service: ServiceDep) -> Readiness:
    """Answers 503 if the database does not have the newest schema or blobs cannot be written."""
    found = Readiness(database=_database(service), blobs=_blobs(service), broker=_broker(service))
    if (found.database, found.blobs) != ("ok", "ok"):
        raise Unavailable(
            f"Database: {found.database}; blobs: {found.blobs}. Repair what is not ok, then ask again.",
            **found.model_dump(),
        )
    return found


@router.get("/metrics", summary="Get Prometheus metrics", response_class=Response, responses=errors())
def metrics(request: Request) -> Response:
    """Requests and their latency by route, and jobs by kind and state."""
    return Response(
        generate_latest(request.app.state.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


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
