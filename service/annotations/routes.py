"""Addresses of annotations. Every PUT names the revision it replaces, so nobody silently overwrites the work
of others."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from service import thumbnails
from service.access.roles import ANNOTATOR, VIEWER
from service.access.room import ROOM
from service.annotations.preconditions import named_revision, replaced_revision, require_newest
from service.annotations.schemas import Annotation, Withdrawal
from service.decoding.classes import Classes
from service.http.blobs import BINARY
from service.http.bodies import Route, receive
from service.http.fields import ActiveSeconds
from service.http.openapi import content, errors, part
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    AnnotationExists,
    ClassTableChanged,
    LabelMapSize,
    NotFound,
    PreconditionRequired,
    RangeNotSatisfiable,
    StaleRevision,
)
from service.label_map_files import ACCEPTED_FILES, Original, kept, label_map_response
from service.lookups import found_image, found_pool, require_same_classes
from service.runtime import Service, ServiceDep
from store import actors, annotations, assignments, drafts, events, quotas, tables, webhooks
from store.blobs import Incoming

router = APIRouter(tags=["annotations"], route_class=Route)

IF_MATCH = Header(description='The revision that this one replaces, `"<revision>"`.', examples=['"1"'])
WITHDRAWN = Header(description='The revision to withdraw, `"<revision>"`.', examples=['"1"'])
IF_NONE_MATCH = Header(description="`*` if the image has no annotation.", examples=["*"])
EARLIER = Annotated[
    int | None,
    Query(ge=1, le=2**31 - 1, description="Left out: the newest label map before the one that counts."),
]
ETAG = {"ETag": {"description": 'The revision, `"<revision>"`.', "schema": {"type": "string"}}}


@router.put(
    "/images/{image_id}/annotation",
    summary="Annotate an image, or replace its annotation",
    dependencies=[ANNOTATOR, ROOM],
    status_code=201,
    responses={
        201: {
            "model": Annotation,
            "headers": ETAG,
            "description": "The image's first annotation; it is durable.",
        },
        200: {
            "model": Annotation,
            "headers": ETAG,
            "description": "A new revision; earlier revisions are kept.",
        },
        **errors(
            *(NotFound, PreconditionRequired, StaleRevision, AnnotationExists, ClassTableChanged),
            LabelMapSize,
            *LABEL_MAP_PROBLEMS,
        ),
    },
    openapi_extra=BINARY,
    description=f"The body is a label map of the image's size. {ACCEPTED_FILES} Send `If-None-Match: *` the "
    'first time, and `If-Match: "<revision>"` to replace that revision. An assignment of the image ends, and '
    "your draft of it goes.",
)
async def put_annotation(
    service: ServiceDep,
    request: Request,
    response: Response,
    image_id: UUID,
    if_match: Annotated[str | None, IF_MATCH] = None,
    if_none_match: Annotated[str | None, IF_NONE_MATCH] = None,
    active_seconds: ActiveSeconds = None,
) -> Annotation:
    replaced = replaced_revision(if_match, if_none_match)
    table, size = await run_in_threadpool(_expected, service, image_id, replaced)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "save the label map as a PNG")
        annotation = await service.decoders.queue.run(
            _accept, service, image_id, replaced, table, size, incoming, active_seconds
        )
    if replaced:
        response.status_code = 200
    response.headers["ETag"] = f'"{annotation.revision}"'
    return annotation


@router.delete(
    "/images/{image_id}/annotation",
    summary="Withdraw an annotation",
    dependencies=[ANNOTATOR],
    responses={
        200: {"headers": ETAG, "description": "The image has no annotation; earlier revisions are kept."},
        **errors(NotFound, PreconditionRequired, StaleRevision),
    },
)
def withdraw_annotation(
    service: ServiceDep,
    response: Response,
    image_id: UUID,
    if_match: Annotated[str | None, WITHDRAWN] = None,
) -> Withdrawal:
    """Adds a revision that says so. Nothing selects, trains or evaluates with the label map any more; only
    trainings that were ordered before do. Annotate the image again with `If-None-Match: *`. Repeating the
    request is safe."""
    withdrawn = named_revision(if_match)
    if withdrawn is None:
        raise PreconditionRequired('Say which revision is withdrawn: send If-Match: "<revision>".')
    with service.database.write() as session:
        image, _ = found_image(session, image_id)
        newest = annotations.newest_locked(session, image_id)
        if newest is None or not (newest.withdrawn and newest.revision == withdrawn + 1):
            require_newest(newest, withdrawn)
            assert newest
            newest = annotations.withdraw(session, newest)
            events.add(session, image.pool_id, "withdrawn", "annotation", image_id, revision=newest.revision)
    response.headers["ETag"] = f'"{newest.revision}"'
    return Withdrawal.model_validate(newest)


@router.post(
    "/images/{image_id}/annotation/revert",
    summary="Bring an earlier label map back",
    dependencies=[ANNOTATOR],
    status_code=201,
    responses={
        201: {"model": Annotation, "headers": ETAG, "description": "The new revision."},
        **errors(NotFound, PreconditionRequired, StaleRevision, AnnotationExists),
    },
)
def revert_annotation(
    service: ServiceDep,
    response: Response,
    image_id: UUID,
    revision: EARLIER = None,
    if_match: Annotated[str | None, IF_MATCH] = None,
    if_none_match: Annotated[str | None, IF_NONE_MATCH] = None,
) -> Annotation:
    """Adds a revision with the label map of an earlier one, bit for bit: after a replacement with `If-Match:
    "<revision>"`, after a withdrawal with `If-None-Match: *`. An assignment of the image ends."""
    replaced = replaced_revision(if_match, if_none_match)
    with service.database.write() as session:
        image, _ = found_image(session, image_id)
        newest = annotations.newest_locked(session, image_id)
        require_newest(newest, replaced)
        count = newest.revision if newest else 0
        if revision is None:
            earlier = annotations.before(session, image_id, replaced or count + 1)
        else:
            earlier = annotations.revision(session, image_id, revision)
        if earlier is None or earlier.withdrawn:
            raise NotFound(
                _no_annotation(newest, revision) if revision else "The image has no earlier label map."
            )
        made = annotations.revert(session, earlier, count + 1)
        _record(session, image, made, reverted_to=earlier.revision)
        table = found_pool(session, image.pool_id).class_table
    response.headers["ETag"] = f'"{made.revision}"'
    return Annotation.of(made, table)


@router.get(
    "/images/{image_id}/annotation",
    summary="Get an annotation's bytes",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        200: {"content": {"image/*": {}}, "headers": ETAG, "description": "The label map."},
        **part("image/*"),
        304: {"description": "`If-None-Match` names this revision."},
        **errors(NotFound, RangeNotSatisfiable),
    },
)
def get_annotation(
    service: ServiceDep,
    request: Request,
    image_id: UUID,
    revision: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Left out: the newest revision.")
    ] = None,
    original: Original = False,
) -> Response:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        class_table = found_pool(session, image.pool_id).class_table
        newest = annotations.newest(session, image_id)
        annotation = annotations.revision(session, image_id, revision) if revision else newest
    if annotation is None or annotation.withdrawn:
        raise NotFound(_no_annotation(newest, revision))
    headers = {"ETag": f'"{annotation.revision}"', "Cache-Control": "no-cache"}
    return label_map_response(service.blobs, request, annotation, class_table, original, headers)


@router.get(
    "/images/{image_id}/annotation/thumbnail",
    summary="Get a small picture of an annotation",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/png", "At most `size` pixels wide and high, in the colours of the classes."),
        **errors(NotFound),
    },
)
async def get_annotation_thumbnail(
    service: ServiceDep, request: Request, image_id: UUID, size: thumbnails.Side = 256
) -> Response:
    """Of the label map that counts. Made once and kept, if `size` is 64, 128, 256 or 512."""
    annotation, class_table = await run_in_threadpool(_counting, service, image_id)
    return await thumbnails.of_label_map(service, request, annotation.sha256, size, class_table)


def _counting(service: Service, image_id: UUID) -> tuple[tables.Annotation, dict[str, Any] | None]:
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        newest = annotations.newest(session, image_id)
        if newest is None or newest.withdrawn:
            raise NotFound(_no_annotation(newest, None))
        return newest, found_pool(session, image.pool_id).class_table


def _no_annotation(newest: tables.Annotation | None, asked: int | None) -> str:
    """Why there is no label map to send."""
    if newest is None:
        return "The image has no annotation yet: send one with PUT and If-None-Match: *."
    if asked is None or (newest.withdrawn and asked == newest.revision):
        return (
            f"The image's annotation was withdrawn; it was revision {newest.revision - 1}. Send another with "
            "PUT and If-None-Match: *."
        )
    if asked > newest.revision:
        return f"The image has no revision {asked}: its newest revision is {newest.revision}."
    return f"Revision {asked} withdrew the annotation: ask for another."


def _expected(
    service: Service, image_id: UUID, replaced: int
) -> tuple[dict[str, Any] | None, tuple[int, int]]:
    """The class table and the size that the label map must have. Refuses a stale PUT early."""
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
        require_newest(annotations.newest(session, image_id), replaced)
        return found_pool(session, image.pool_id).class_table, (image.width, image.height)


def _accept(
    service: Service,
    image_id: UUID,
    replaced: int,
    table: dict[str, Any] | None,
    size: tuple[int, int],
    incoming: Incoming,
    active_seconds: float | None,
) -> Annotation:
    checked = service.decoders.label_map(incoming.path, Classes.of(table), size)
    files = kept(service.blobs, incoming, checked)
    with service.database.write() as session:
        image, _ = found_image(session, image_id)
        service.require_blobs(files["sha256"], files.get("original_sha256", files["sha256"]))
        require_same_classes(session, image.pool_id, table)
        newest = annotations.newest_locked(session, image_id)
        require_newest(newest, replaced)
        revision = newest.revision + 1 if newest else 1
        annotation = tables.Annotation(
            image_id=image_id, revision=revision, active_seconds=active_seconds, **files
        )
        _record(session, image, annotations.add(session, annotation))
        drafts.remove(session, image_id, actors.current().principal_id)
    service.quotas.note(0, quotas.size_of(annotation))
    return Annotation.of(annotation, table)


def _record(session: Session, image: tables.Image, made: tables.Annotation, **details: int) -> None:
    """End the assignment of an image that has a new label map, and say so."""
    assignments.annotated(session, image.id)
    details["revision"] = made.revision
    events.add(session, image.pool_id, "annotated", "annotation", image.id, **details)
    told = {"image_id": str(image.id), "revision": made.revision}
    webhooks.tell(session, image.pool_id, "annotation.made", **told)
