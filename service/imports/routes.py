"""Addresses of imports."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.access.roles import CURATOR
from service.access.room import ROOM
from service.http.blobs import FILE, body
from service.http.bodies import Route, receive
from service.http.fields import OF_FORMAT, Format
from service.http.openapi import errors
from service.http.problems import (
    ArchiveBomb,
    ArchiveUnreadable,
    DiskFull,
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidImport,
    NotFound,
    QuotaReached,
)
from service.imports.packing import pack
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.lookups import found_pool
from service.runtime import Service, ServiceDep
from store import annotations, tables
from store.blobs import Incoming
from store.quotas import SENT

router = APIRouter(tags=["imports and exports"], route_class=Route)

MOST_LABELS = 1000
DRY_RUN = Query(description="Only say what would happen; nothing is kept.")
REPLACE = Query(
    description="Also replace annotations: those that the photos have now. What somebody draws after this "
    "request is never replaced."
)
MAPPING = Query(
    description="What labels mean that the pool does not have: a JSON object with the name of a class, or "
    "null for unlabelled, by label. It is kept with the pool, and later imports use it too.",
    examples=['{"background": null, "auto": "car"}'],
)
MEDIA_TYPES = ("application/zip", "application/x-tar", "application/gzip", "application/json")


@router.post(
    "/pools/{pool_id}/imports",
    summary="Import label maps from another tool",
    dependencies=[CURATOR, ROOM],
    status_code=202,
    response_model=None,
    responses={
        **ACCEPTED,
        **errors(
            *(NotFound, InvalidImport, FileTooLarge, ArchiveUnreadable, ArchiveBomb, DiskFull),
            *(QuotaReached, IdempotencyKeyReused),
        ),
    },
    openapi_extra=body(dict.fromkeys((*MEDIA_TYPES, "application/octet-stream"), FILE)),
)
async def import_annotations(
    service: ServiceDep,
    request: Request,
    pool_id: UUID,
    format: Annotated[Format, OF_FORMAT],
    dry_run: Annotated[bool, DRY_RUN] = False,
    replace: Annotated[bool, REPLACE] = False,
    mapping: Annotated[str | None, MAPPING] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """The body is the export: a zip, a tar, or one JSON file. The job's `result` says for each label map
    whether it is taken and, if not, why; how many pixels each class has, are unlabelled, and lie under
    several regions; and in `unknown_labels` which labels need an answer in `mapping`. Photos that have an
    annotation keep it, unless `replace` is given. All annotations are made in one transaction, at its end."""
    answers = await run_in_threadpool(_checked, service, pool_id, mapping)
    asked = {"format": format, "dry_run": dry_run, "replace": replace, "mapping": answers}
    with service.blobs.incoming() as incoming:
        in_parts = "import it in parts"
        await receive(request, incoming, service.settings, "max_archive_bytes", in_parts)
        job = await service.decoders.queue.run(
            _order, service, pool_id, asked, mapping, idempotency_key, incoming
        )
    return accepted(job)


def _checked(service: Service, pool_id: UUID, mapping: str | None) -> dict[str, int | None]:
    with service.database.read() as session:
        return _answers(session, pool_id, mapping)


def _answers(session: Session, pool_id: UUID, mapping: str | None) -> dict[str, int | None]:
    """The position of the class that each label means, or None. Raises InvalidImport."""
    table = found_pool(session, pool_id).class_table
    if table is None:
        raise InvalidImport(
            "The label maps of this pool are RGB images without classes: send them as annotations."
        )
    places: dict[Any, int | None] = {entry["name"]: place for place, entry in enumerate(table["classes"])}
    try:
        given = json.loads(mapping or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or len(given) > MOST_LABELS:
        raise InvalidImport('`mapping` is a JSON object: {"label": "class", "other label": null}.')
    for label, name in given.items():
        if name is not None and (not isinstance(name, str) or name not in places):
            raise InvalidImport(
                f"`mapping` says that {label} is {name}, which is no class of the pool: give "
                f"{', '.join(places)}, or null for unlabelled."
            )
    return {label: None if name is None else places[name] for label, name in given.items()}


def _order(
    service: Service,
    pool_id: UUID,
    asked: dict[str, Any],
    mapping: str | None,
    idempotency_key: str | None,
    sent: Incoming,
) -> tables.Job:
    with service.blobs.incoming() as packed:
        left_out = pack(service, sent.path, packed)
        held = packed.hold()

    def spec(session: Session) -> dict[str, Any]:
        revisions = None
        if asked["replace"]:
            newest = annotations.newest_of_pool(session, pool_id)
            revisions = {str(image_id): one.revision for image_id, one in newest.items() if not one.withdrawn}
        answers = _answers(session, pool_id, mapping)  # with the class table that the job will find
        files = {"files": held, SENT: packed.size, "left_out": left_out}
        return {**asked, "mapping": answers, **files, "revisions": revisions}

    try:
        job = order(service, pool_id, "import", asked | {"sha256": sent.sha256}, idempotency_key, spec)
    except Exception:
        service.blobs.drop(held)
        raise
    if job.spec["files"] == held:
        service.quotas.note(0, packed.size)
    else:  # the key was sent before, and that job has its own copy
        service.blobs.drop(held)
    return job
