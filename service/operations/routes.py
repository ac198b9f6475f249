"""Addresses for operators of the service: health, readiness and metrics."""

from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.access.roles import ADMIN, require_admin
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import Unavailable
from service.operations.schemas import Health, Readiness, Setting, Settings
from service.readiness import OK
from service.runtime import ServiceDep
from store.principals import Principal
from store.settings import variable

router = APIRouter(tags=["operations"], route_class=Route)

TOLD_TEXTS = ("encoder", "device")
"""Settings that are texts and hold no address, path or secret."""


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Checks only that the process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Can requests be served?", responses=errors())
async def readyz(service: ServiceDep, request: Request) -> Readiness:
    """Answers 503 if the database cannot be written or has a schema that does not fit, or if blobs cannot be
    written. Each is tried every three seconds; the answer comes from memory, at once. Only a request with
    a key of the settings is told more than that.
    """
    checks = service.readiness
    found = Readiness(database=checks.database.state, blobs=checks.blobs.state, broker=checks.broker.state)
    is_ready, is_told = (found.database, found.blobs) == (OK, OK), request.state.principal is not None
    if not is_ready and not is_told:
        raise Unavailable("The service is not ready: a request with a key of the settings is told why.")
    if not is_ready:
        raise Unavailable(
            f"Database: {found.database}; blobs: {found.blobs}. Repair what is not ok, then ask again.",
            **found.model_dump(),
        )
    return found if is_told else Readiness()


@router.get("/settings", summary="List the settings", dependencies=[ADMIN], responses=errors())
def list_settings(service: ServiceDep) -> Settings:
    """For administrators. Settings are changed on the server, before it starts."""
    settings = service.settings
    items = [
        Setting(variable=variable(name), value=value, description=field.description or "")
        for name, field in type(settings).model_fields.items()
        if isinstance(value := getattr(settings, name), bool | int | float) or name in TOLD_TEXTS
    ]
    return Settings(version=version("fewpairs"), items=items)


@router.get("/metrics", summary="Get Prometheus metrics", response_class=Response, responses=errors())
def metrics(request: Request) -> Response:
    """Requests and their latency by route, and jobs by kind and state. For administrators, and for the key of
    the setting FEWPAIRS_METRICS_KEY.
    """
    principal: Principal | None = request.state.principal
    if principal is not None:
        require_admin(principal)
    return Response(
        generate_latest(request.app.state.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )
