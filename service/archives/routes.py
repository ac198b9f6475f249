"""Addresses that write a pool into one file, and that take such a file in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.access.roles import ADMIN, CURATOR, VIEWER
from service.archives import unpacking
from service.archives.schemas import Arrival, Digest, MissingParts, PartKind
from service.archives.schemas import Part as PartDocument
from service.http.blobs import BINARY, changing, range_response
from service.http.bodies import Route, receive
from service.http.fields import Sha256
from service.http.names import PoolName
from service.http.openapi import content, errors, part, stored
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    ArchiveGone,
    ArchiveIncomplete,
    ArchiveTooNew,
    IdempotencyKeyReused,
    InvalidArchive,
    InvalidName,
    JobFailed,
    JobNotFinished,
    NotFound,
    PoolExists,
    PoolNameTaken,
    RangeNotSatisfiable,
)
from service.jobs.enqueue import IdempotencyKey, accepted, order, require_success
from service.jobs.schemas import Job
from service.lookups import found_pool, require_pool
from service.pools.schemas import Pool
from service.runtime import Service, ServiceDep
from store.archives import Part
from store.blobs import BlobMissing, Incoming
from store.pools import PoolCounts

router = APIRouter(tags=["archives"], route_class=Route)

LIMIT_OF_KIND = {"weights": "max_model_bytes", "onnx": "max_model_bytes"} | dict.fromkeys(
    ("embeddings", "patches"), "max_archive_bytes"
)


@router.post(
    "/pools/{pool_id}/archive",
    summary="Write a whole pool into one file",
    dependencies=[CURATOR],
    status_code=202,
    response_model=Job,
    responses=errors(NotFound, IdempotencyKeyReused),
)
def pack_pool(service: ServiceDep, pool_id: UUID, idempotency_key: IdempotencyKey = None) -> Response:
    """The pool as it is when the job starts: photos, label maps with all revisions, selections, models,
    evaluations, embeddings and events. The file is at `/jobs/{id}/archive` for a day after the job."""
    require_pool(service.database, pool_id)
    return accepted(order(service, pool_id, "pack", {}, idempotency_key, lambda session: {}))


@router.get(
    "/jobs/{job_id}/archive",
    summary="Download a pool as one file",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("application/zip", "The whole archive."),
        **part("application/zip"),
        **errors(NotFound, JobNotFinished, JobFailed, ArchiveGone, RangeNotSatisfiable),
    },
)
def get_archive(service: ServiceDep, request: Request, job_id: UUID) -> Response:
    """`Range: bytes=N-` continues a download; with `If-Range`, only if the file is still the same."""
    job = service.job(job_id)
    if job.kind != "pack":
        raise NotFound(f"A job of kind {job.kind} makes no archive: POST /pools/{{id}}/archive does.")
    made = require_success(job)
    try:
        file = service.blobs.open(made["held"])
    except BlobMissing:
        raise ArchiveGone("An archive is kept for a day: order it again.") from None
    headers = changing(made["sha256"])
    return range_response(request, file, made["size_bytes"], "application/zip", headers)


@router.put(
    "/archives/{archive}",
    summary="Begin to take in a pool from its archive",
    dependencies=[ADMIN],
    responses=errors(InvalidArchive, ArchiveTooNew),
    openapi_extra=BINARY,
)
async def put_records(service: ServiceDep, request: Request, archive: Digest) -> Arrival:
    """The body is the archive's `pool.jsonl`, and the address has its SHA-256. The pool appears
    with POST /archives/{archive}/pool and not before. Repeat the request to resume what was interrupted."""
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_archive_bytes", "move the photos alone")
        return await run_in_threadpool(_arrival, service, archive, incoming)


@router.get(
    "/archives/{archive}/missing",
    summary="Ask which files of an archive have not arrived",
    dependencies=[ADMIN],
    responses=errors(NotFound),
)
def list_missing_parts(
    service: ServiceDep, archive: Digest, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> MissingParts:
    """The first `limit` of them: send these, then ask again, until there are none."""
    found = unpacking.missing(service, archive, limit)
    return MissingParts(items=[PartDocument.model_validate(part) for part in found])


@router.put(
    "/archives/{archive}/parts/{kind}/{sha256}",
    summary="Send one file of an archive",
    dependencies=[ADMIN],
    status_code=204,
    responses=errors(NotFound, InvalidArchive, *LABEL_MAP_PROBLEMS),
    openapi_extra=BINARY,
)
async def put_part(
    service: ServiceDep, request: Request, archive: Digest, kind: PartKind, sha256: Sha256
) -> None:
    """The body is `blobs/<sha256>` of the zip. It is checked as an upload of this kind is."""
    await run_in_threadpool(unpacking.found_archive, service, archive)
    with service.blobs.incoming() as incoming:
        limit = LIMIT_OF_KIND.get(kind, "max_image_bytes")
        await receive(request, incoming, service.settings, limit, "leave it out at its source")
        await service.decoders.queue.run(unpacking.take_part, service, archive, Part(kind, sha256), incoming)


@router.post(
    "/archives/{archive}/pool",
    summary="Make the pool of an archive whose files are all there",
    dependencies=[ADMIN],
    status_code=201,
    response_model=Pool,
    responses={
        **stored(Pool, "pool"),
        **errors(
            *(NotFound, InvalidArchive, ArchiveTooNew, ArchiveIncomplete),
            *(InvalidName, PoolNameTaken, PoolExists),
        ),
    },
)
def make_pool(
    service: ServiceDep,
    archive: Digest,
    name: Annotated[PoolName | None, Query(description="Left out: the name that it had.")] = None,
) -> Response:
    """All of it appears at once, under the ids that it had, so that receipts stay valid."""
    is_new, pool_id = unpacking.make_pool(service, archive, name)
    document = _pool(service, pool_id).model_dump(mode="json")
    return JSONResponse(document, 201 if is_new else 200, {"Location": f"/pools/{pool_id}"})


def _pool(service: Service, pool_id: UUID) -> Pool:
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        counts = service.counts.of(session, [pool_id])
    return Pool.of(pool, counts.get(pool_id, PoolCounts()))


def _arrival(service: Service, archive: str, incoming: Incoming) -> Arrival:
    found = unpacking.take_records(service, archive, incoming)
    with service.database.read() as session:
        there = unpacking.pool_of(session, found)
    return Arrival(archive=archive, pool_name=found.facts["pool_name"], pool_id=there)
