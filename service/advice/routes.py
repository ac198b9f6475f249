"""The address that advises."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from models.advice import advised
from models.catalog import METHODS
from service.access.roles import VIEWER
from service.advice.schemas import Advice, Device, Method
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import NotFound
from service.lookups import found_pool
from service.runtime import ServiceDep
from service.situation import situation

router = APIRouter(tags=["advice"], route_class=Route)


@router.get(
    "/pools/{pool_id}/advice",
    summary="Ask what to do next",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def get_advice(
    service: ServiceDep,
    pool_id: UUID,
    device: Annotated[
        Device | None,
        Query(description="Where trainings run. Left out: FEWPAIRS_DEVICE, where `auto` counts as `cpu`."),
    ] = None,
) -> Advice:
    """How to train on the annotated images, why and for how long, and which images to label next. The advice
    follows from measurements on other data and from the pool's numbers of images."""
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        found = situation(session, service.settings, pool, device)
    methods = [Method.of_row(facts, name=name) for name, facts in METHODS.items()]
    return Advice.of_row(advised(found), pool_id=pool_id, situation=found, methods=methods)
