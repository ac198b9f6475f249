"""The address that tells which photos a pool does not have yet."""

from uuid import UUID

from fastapi import APIRouter

from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import FileTooLarge, InvalidName, NotFound
from service.images.schemas import Listing, Missing
from service.lookups import found_pool
from service.runtime import ServiceDep
from store import images

router = APIRouter(route_class=Route)


@router.post(
    "/pools/{pool_id}/missing",
    summary="Ask which photos are not uploaded yet",
    responses=errors(NotFound, InvalidName, FileTooLarge),
)
def list_missing(service: ServiceDep, pool_id: UUID, listing: Listing) -> Missing:
    """Resume an upload: send the name and SHA-256 of every file, then upload the files in `missing`."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        files = {file.name: file.sha256 for file in listing.files}
        missing, conflicts = images.missing(session, pool_id, listing.split, files)
    return Missing(missing=missing, conflicts=conflicts)
