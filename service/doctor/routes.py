"""Addresses at which administrators have the server's data examined."""

from fastapi import APIRouter, Response

from service.access.roles import ADMIN
from service.doctor.schemas import Examination, Report
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import FileTooLarge, IdempotencyKeyReused, NotFound
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.runtime import ServiceDep
from store import job_lists
from store.job_lists import Wanted

router = APIRouter(tags=["operations"], route_class=Route)


@router.post(
    "/doctor",
    summary="Look for damage in everything that is kept",
    dependencies=[ADMIN],
    status_code=202,
    responses={**ACCEPTED, **errors(IdempotencyKeyReused, FileTooLarge)},
)
def examine(service: ServiceDep, wanted: Examination, idempotency_key: IdempotencyKey = None) -> Response:
    """A worker does what `fewpairs doctor` does; the report is the result of the job, and `GET /doctor`."""
    spec = wanted.model_dump()
    return accepted(order(service, None, "doctor", spec, idempotency_key, lambda session: spec))


@router.get(
    "/doctor", summary="Get the doctor's newest report", dependencies=[ADMIN], responses=errors(NotFound)
)
def get_report(service: ServiceDep) -> Report:
    with service.database.read() as session:
        newest = job_lists.newest(session, Wanted(kind="doctor", state="succeeded"))
    if newest is None:
        raise NotFound("The doctor has not looked at this server yet: POST /doctor has it look.")
    return Report.of(newest)
