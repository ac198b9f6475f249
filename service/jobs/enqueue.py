"""Create a job once for each order or question, and answer with its result."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.standing import require_still
from service.http.blobs import blob_response
from service.http.palettes import palette_of
from service.http.problems import (
    IdempotencyKeyReused,
    ImageNotEmbedded,
    JobFailed,
    JobNotFinished,
    NotFound,
    PoolEmpty,
    PoolNotEmbedded,
)
from service.jobs.room import require_room
from service.jobs.schemas import Job
from service.lookups import found_pool
from service.runtime import Service
from store import images, job_lists, jobs, pools, selections, tables
from store.job_lists import Wanted
from store.states import ENDED, SPLITS

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Job,
        "description": "The job is durable and continues; `Location` is its address.",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "`/jobs/{id}`"}},
    }
}

BY_CLIENTS = "key:"
"""Prefix of keys that clients send; the keys of questions have other prefixes."""

OF_KEY = Header(
    min_length=1,
    max_length=200,
    description="Any text. The same key and request sent again give the same job, not a new one.",
)


async def _own(principal: PrincipalDep, idempotency_key: Annotated[str | None, OF_KEY] = None) -> str | None:
    return f"{BY_CLIENTS}{principal.id}:{idempotency_key}" if idempotency_key else None


IdempotencyKey = Annotated[str | None, Depends(_own)]
"""The key that a client sent, as that of its principal: others may use the same text."""

Output = Annotated[
    Literal["label_map", "rgb"] | None,
    Query(description="The label map, or the RGB translation behind it. Left out: the label map, if any."),
]

NO_OUTPUT = {
    "label_map": "This translation is an image without classes, not a label map: ask for format=rgb.",
    "rgb": "A suggestion is a label map and its doubt: ask for format=label_map or format=doubt.",
    "doubt": "Only suggestions have a map of their doubt: ask for format=label_map or format=rgb.",
}


def accepted(job: tables.Job) -> JSONResponse:
    headers = {"Location": f"/jobs/{job.id}", "Retry-After": "1"}
    return JSONResponse(Job.of(job).model_dump(mode="json"), 202, headers)


def order(
    service: Service,
    pool_id: UUID | None,
    kind: str,
    request: dict[str, Any],
    idempotency_key: str | None,
    spec: Callable[[Session], dict[str, Any]],
) -> tables.Job:
    """Return the earlier job of this key and request, or create one; `spec` is called in its transaction.
    Without a pool it is about the whole server.

    Raises IdempotencyKeyReused if the key was sent with another request, and TooManyRequests.
    """
    asked = json.dumps([kind, str(pool_id), request], sort_keys=True)
    digest = hashlib.sha256(asked.encode()).hexdigest()
    with service.database.write() as session:
        if pool_id:
            pools.lock(session, pool_id)
        if idempotency_key and (earlier := jobs.by_idempotency_key(session, idempotency_key)):
            if earlier.request_digest != digest:
                raise IdempotencyKeyReused(
                    f"The key was sent before with another request (job {earlier.id}): use a new key for "
                    "a new request."
                )
            return earlier
        require_room(session, service.settings, kind)
        job = jobs.create(
            session,
            service.settings,
            kind=kind,
            pool_id=pool_id,
            spec=spec(session),
            idempotency_key=idempotency_key,
            request_digest=digest if idempotency_key else None,
        )
    service.ring(job)
    return job


def ask(
    service: Service,
    pool_id: UUID,
    kind: str,
    key: str,
    spec: dict[str, Any],
    check: Callable[[Session], None] = lambda session: None,
    blob: str | None = None,
) -> tables.Job:
    """Return the earlier job of the question `key`, or create one after `check`. `blob` is the digest of one
    that the question names.

    A new job replaces a cancelled one; it replaces a failed one once `answered` has reported the failure.
    Raises TooManyRequests.
    """
    with service.database.read() as session:
        earlier = jobs.by_idempotency_key(session, key)
        if earlier and earlier.state != "cancelled":
            return earlier
        check(session)
    with service.database.write() as session:
        pools.lock(session, pool_id)
        if earlier := jobs.by_idempotency_key(session, key):
            if earlier.state != "cancelled":
                return earlier
            jobs.release_idempotency_key(session, earlier.id)
        if blob:
            service.require_blobs(blob)
        require_room(session, service.settings, kind)
        job = jobs.create(
            session, service.settings, kind=kind, pool_id=pool_id, spec=spec, idempotency_key=key
        )
    service.ring(job)
    return job


async def answered(service: Service, job: tables.Job) -> dict[str, Any] | JSONResponse:
    """The result of a job that ends soon, or the answer while it continues. Raises JobFailed; after that, the
    same question creates a new job. Raises another Problem if whoever asks may not any more.
    """
    if job.state not in ENDED:
        job = await service.ended(job.id)
        await require_still()
    if job.state not in ENDED:
        return accepted(job)
    if job.state == "failed":
        await run_in_threadpool(_forget_question, service, job)
    return require_success(job)


def _forget_question(service: Service, job: tables.Job) -> None:
    if job.idempotency_key and not job.idempotency_key.startswith(BY_CLIENTS):
        with service.database.write() as session:
            jobs.release_idempotency_key(session, job.id)


def require_success(job: tables.Job) -> dict[str, Any]:
    """The job's result. Raises JobNotFinished or JobFailed."""
    if job.state == "cancelled":
        raise JobFailed("The job was cancelled: order it again.", job_id=str(job.id))
    if job.state == "failed":
        error = job.error or {}
        raise JobFailed(f"The job failed: {error.get('detail')}", job_id=str(job.id), error=error)
    if job.state != "succeeded":
        raise JobNotFinished(f"The job is {job.state}: ask again later, or follow /jobs/{job.id}/events.")
    return job.result or {}


def pool_not_embedded(service: Service, pool_id: UUID, detail: str, **members: int) -> Exception:
    """The problem to raise. If embedding ended without some images, restarts it and says so."""
    detail += _embed_again(service, pool_id)
    return PoolNotEmbedded(detail, **members).with_headers(Retry_After="2")


def require_embedded(service: Service, pool_id: UUID) -> None:
    """Raise a Problem if the pool has no embedded image."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        if selections.any_embedded(session, pool_id):
            return
        count = sum(selections.image_count(session, pool_id, split) for split in SPLITS)
        waiting = selections.waiting(session, pool_id, SPLITS)
    if count == 0:
        raise PoolEmpty("The pool has no photo to compare with: upload photos first.")
    if waiting:
        raise pool_not_embedded(
            service, pool_id, "No photo of the pool is embedded yet: ask again in a moment."
        )
    raise ImageNotEmbedded(
        f"None of the pool's photos could be embedded: GET /pools/{pool_id}/images gives the reason for each."
    )


def _embed_again(service: Service, pool_id: UUID) -> str:
    with service.database.read() as session:
        if not images.stranded(session, pool_id):
            return ""
    with service.database.write() as session:
        pools.lock(session, pool_id)
        again = images.embed_again(session, service.settings, pool_id)
        failed = job_lists.newest(session, Wanted(pool_id, state="failed", kind="embed"))
    service.ring(*again)
    why = f" It had failed: {failed.error['detail']}" if failed and failed.error else ""
    return f" Embedding had ended too early and was started again.{why}"


def translation(
    service: Service,
    request: Request,
    result: dict[str, Any],
    format: str | None,
    class_table: dict[str, Any] | None,
) -> Response:
    """The PNG in the result of a translate or suggest job, a label map in the colours of its classes. Raises
    NotFound if there is none of this format.
    """
    format = format or ("label_map" if result["label_map"] else "rgb")
    blob = result.get(format)
    if blob is None:
        raise NotFound(NO_OUTPUT[format])
    palette = palette_of(class_table) if format == "label_map" else None
    return blob_response(service.blobs, request, blob["sha256"], blob["size"], "image/png", palette=palette)
