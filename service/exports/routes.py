"""Addresses of exports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from models.catalog import PHOTOS_TO_LABELS
from service.access.roles import CURATOR
from service.access.room import ROOM
from service.http.bodies import Route
from service.http.fields import OF_FORMAT, Format
from service.http.openapi import errors
from service.http.problems import (
    IdempotencyKeyReused,
    InvalidExport,
    NoAnnotations,
    NoSelection,
    NotFound,
    QuotaReached,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.lookups import found_evaluation, found_pool, newest_selection
from service.runtime import ServiceDep
from store import annotations

router = APIRouter(tags=["imports and exports"], route_class=Route)

PICKS = Query(description="Also the picks of the newest selection of train images, in `picks.json`.")
REVISIONS = Query(description="Also earlier revisions, in `revisions/<number>/`.")
PREDICTIONS = Query(description="Also what this evaluation's model predicted, in `predictions/`.")


@router.post(
    "/pools/{pool_id}/exports",
    summary="Export label maps for another tool",
    dependencies=[CURATOR, ROOM],
    status_code=202,
    response_model=None,
    responses={
        **ACCEPTED,
        **errors(NotFound, InvalidExport, NoAnnotations, NoSelection, IdempotencyKeyReused, QuotaReached),
    },
)
def export_annotations(
    service: ServiceDep,
    pool_id: UUID,
    format: Annotated[Format, OF_FORMAT],
    picks: Annotated[bool, PICKS] = False,
    revisions: Annotated[bool, REVISIONS] = False,
    predictions: Annotated[UUID | None, PREDICTIONS] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Makes a zip of the annotations that count. The job's `result` has its `address`. With more than the
    annotations they are in the folder `annotations/`. PNGs have the colours of the classes."""
    asked = {
        **{"format": format, "picks": picks, "revisions": revisions},
        "predictions": str(predictions) if predictions else None,
    }

    def spec(session: Session) -> dict[str, Any]:
        if found_pool(session, pool_id).class_table is None:
            raise InvalidExport("The label maps of this pool are RGB images without classes.")
        if picks:
            newest_selection(session, pool_id)
        if predictions:
            _check_evaluation(session, pool_id, predictions)
        elif not annotations.of_pool(session, pool_id):
            raise NoAnnotations("No image of the pool is annotated: there is nothing to export.")
        return asked

    with service.database.read() as session:
        found_pool(session, pool_id)
    return accepted(order(service, pool_id, "export", asked, idempotency_key, spec))


def _check_evaluation(session: Session, pool_id: UUID, evaluation_id: UUID) -> None:
    """Raise a Problem if the evaluation has no predictions that are label maps of this pool."""
    evaluation = found_evaluation(session, evaluation_id, within=pool_id)
    if evaluation.direction != PHOTOS_TO_LABELS:
        raise InvalidExport(f"The predictions of the evaluation {evaluation_id} are photos: choose another.")
