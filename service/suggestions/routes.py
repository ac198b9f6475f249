"""Addresses of suggestions: label maps that are learned from finished photos and strokes, or that a model
makes.
"""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from service.access.roles import ANNOTATOR
from service.decoding.classes import Classes
from service.http.blobs import FILE
from service.http.bodies import Route, receive
from service.http.openapi import errors
from service.http.problems import (
    LABEL_MAP_PROBLEMS,
    JobFailed,
    LabelMapEmpty,
    LabelMapSize,
    NoClasses,
    NoModel,
    NotFound,
    NothingToLearnFrom,
    SuggestionReplaced,
)
from service.jobs.enqueue import ACCEPTED, answered, ask
from service.label_map_files import ACCEPTED_FILES
from service.lookups import found_image, found_model, found_pool
from service.runtime import Service, ServiceDep
from service.suggestions.schemas import Suggestion
from store import actors, blobs, clock, models, suggestions, tables
from store.blobs import Incoming
from store.models import Wanted

router = APIRouter(tags=["suggestions"], route_class=Route)

STROKES = {"requestBody": {"required": False, "content": {"application/octet-stream": {"schema": FILE}}}}


@router.post(
    "/images/{image_id}/suggestion",
    summary="Suggest a label map from finished photos and strokes",
    dependencies=[ANNOTATOR],
    response_model=Suggestion,
    responses={
        **ACCEPTED,
        **errors(NotFound, NoClasses, NothingToLearnFrom, SuggestionReplaced, JobFailed),
        **errors(LabelMapSize, *LABEL_MAP_PROBLEMS),
    },
    openapi_extra=STROKES,
    description="The body is a label map of the image's size in which only strokes are labelled; or it is "
    f"empty, to learn from finished photos alone. {ACCEPTED_FILES} Your earlier requests for the image that "
    "still wait are answered with 409. 202: the answer comes later, as the `result` of `/jobs/{id}`.",
)
async def post_suggestion(service: ServiceDep, request: Request, image_id: UUID) -> Response:
    image, classes, asked_at = await run_in_threadpool(_image, service, image_id)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "save the strokes as a PNG")
        job = await service.decoders.queue.run(_learned, service, image, classes, incoming, asked_at)
    try:
        return await _suggestion(service, job)
    except JobFailed:
        if (await run_in_threadpool(service.job, job.id)).state != "cancelled":
            raise
        newer = "You asked for a newer suggestion for this image: wait for that one."
        raise SuggestionReplaced(newer) from None


@router.get(
    "/images/{image_id}/suggestion",
    summary="Get a model's label map of an image",
    dependencies=[ANNOTATOR],
    response_model=Suggestion,
    responses={**ACCEPTED, **errors(NotFound, NoClasses, NoModel, JobFailed)},
)
async def get_suggestion(
    service: ServiceDep,
    image_id: UUID,
    model: Annotated[UUID | None, Query(description="Left out: the pool's newest model.")] = None,
) -> Response:
    """202: ask again in a moment."""
    return await _suggestion(service, await run_in_threadpool(_made, service, image_id, model))


async def _suggestion(service: Service, job: tables.Job) -> Response:
    result = await answered(service, job)
    if isinstance(result, Response):
        return result
    finished, model_id = len(job.spec.get("pairs", [])), job.spec.get("model_id")
    source = "model" if model_id else "strokes" if job.spec.get("strokes") else "photos"
    document = Suggestion(
        job_id=job.id, image_id=job.spec["image_id"], source=source, finished=finished, model_id=model_id
    )
    return JSONResponse(document.model_dump(mode="json"))


def _image(service: Service, image_id: UUID) -> tuple[tables.Image, Classes, datetime]:
    """The image, the classes of its pool, and the present moment. Raises NotFound or NoClasses."""
    with service.database.read() as session:
        now = clock.now(session)
        image, _ = found_image(session, image_id)
        classes = Classes.of(found_pool(session, image.pool_id).class_table)
    if classes is None:
        raise NoClasses("Only label maps of classes are suggested, and this pool's targets are images.")
    return image, classes, now


def _learned(
    service: Service, image: tables.Image, classes: Classes, incoming: Incoming, asked_at: datetime
) -> tables.Job:
    strokes = _strokes(service, image, classes, incoming)
    with service.database.read() as session:
        finished = suggestions.finished(session, image)
    pairs = [(str(id), revision) for id, revision in finished]
    if not pairs and strokes is None:
        raise NothingToLearnFrom(
            "No train photo of the pool is labelled yet: draw a stroke on every class that you see, or "
            "finish a photo first."
        )
    spec: dict[str, Any] = {"image_id": str(image.id), "pairs": pairs, "strokes": strokes}
    learned_from = hashlib.sha256(json.dumps([image.sha256, classes.names, spec]).encode()).hexdigest()
    key = f"suggest:{actors.current().principal_id}:{learned_from}"
    with service.database.write() as session:
        suggestions.replace(session, image, key, asked_at)
    return ask(service, image.pool_id, "suggest", key, spec, blob=strokes)


def _strokes(service: Service, image: tables.Image, classes: Classes, incoming: Incoming) -> str | None:
    """The digest of the blob of strokes; None if there are none. Raises a Problem."""
    if not incoming.size:
        return None
    try:
        drawn = service.decoders.label_map(incoming.path, classes, (image.width, image.height))
    except LabelMapEmpty:
        return None
    assert drawn.canonical
    return blobs.put(service.blobs, [drawn.canonical.png]).sha256


def _made(service: Service, image_id: UUID, model_id: UUID | None) -> tables.Job:
    image, _, _ = _image(service, image_id)
    with service.database.read() as session:
        if model_id is None:
            newest, _ = models.page(session, Wanted(image.pool_id), limit=1)
            if not newest:
                raise NoModel(
                    f"The pool has no model yet: train one, POST /pools/{image.pool_id}/trainings; or ask "
                    f"for a suggestion from strokes, POST /images/{image_id}/suggestion."
                )
            model_id = newest[0].id
        found_model(session, model_id, within=image.pool_id)
    spec = {"image_id": str(image_id), "model_id": str(model_id)}
    return ask(service, image.pool_id, "suggest", f"suggest:{image.sha256}:{image_id}:{model_id}", spec)
