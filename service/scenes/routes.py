"""The address that orders drawn street scenes."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from formats.data_sets import SCENES
from service.access.roles import CURATOR
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import FileTooLarge, IdempotencyKeyReused, InvalidClassTable, NotFound
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.lookups import found_pool
from service.runtime import ServiceDep
from service.scenes.schemas import NewScenes
from store import tables

router = APIRouter(tags=["scenes"], route_class=Route)


@router.post(
    "/pools/{pool_id}/scenes",
    summary="Draw street scenes into a pool",
    dependencies=[CURATOR],
    status_code=202,
    response_model=None,
    responses={**ACCEPTED, **errors(NotFound, InvalidClassTable, IdempotencyKeyReused, FileTooLarge)},
)
def draw_scenes(
    service: ServiceDep, pool_id: UUID, new: NewScenes, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """The pool has the classes of the table `scenes`. At the end of the job all photos and label maps are
    there at once. Scenes that the pool has already are not drawn into it again."""
    with service.database.read() as session:
        _require_classes(found_pool(session, pool_id))

    def spec(session: Session) -> dict[str, Any]:
        return new.spec()

    return accepted(order(service, pool_id, "scenes", new.spec(), idempotency_key, spec))


def _require_classes(pool: tables.Pool) -> None:
    names = [entry["name"] for entry in pool.class_table["classes"]] if pool.class_table else []
    if names != list(SCENES):
        raise InvalidClassTable(
            f"Drawn scenes have the classes {', '.join(SCENES)}, and this pool has others: create one with "
            'the class_table "scenes".'
        )
