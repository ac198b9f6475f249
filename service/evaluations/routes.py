"""Addresses that order evaluations and show their scores."""

from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from models.catalog import PHOTOS_TO_LABELS
from service import thumbnails
from service.access.roles import CURATOR, VIEWER
from service.evaluations.schemas import Confusion, Evaluation, NewEvaluation, ScoredImage
from service.http.blobs import blob_response
from service.http.bodies import Route
from service.http.openapi import content, errors
from service.http.pages import Contains, CountedPage, Limit, OrderedCursor, Total
from service.http.palettes import palette_of
from service.http.problems import (
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidEvaluation,
    NoAnnotations,
    NoSuchDirection,
    NotFound,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.lookups import found_evaluation, found_model, found_pool, require_direction
from service.runtime import Service, ServiceDep
from store import evaluations, tables, trainings
from store.evaluations import Sort, Wanted

router = APIRouter(route_class=Route)

TAGS: list[str | Enum] = ["evaluations"]


@router.post(
    "/pools/{pool_id}/evaluations",
    summary="Order an evaluation",
    dependencies=[CURATOR],
    tags=["trainings and evaluations"],
    status_code=202,
    responses={
        **ACCEPTED,
        **errors(
            NotFound, InvalidEvaluation, NoSuchDirection, NoAnnotations, IdempotencyKeyReused, FileTooLarge
        ),
    },
)
def order_evaluation(
    service: ServiceDep, pool_id: UUID, new: NewEvaluation, idempotency_key: IdempotencyKey = None
) -> Response:
    """Scores a model on the annotated images of a split. The scores are in the job's result and in the model;
    the scores of each image are at `/evaluations/{id}/images`. `labels_to_photos` turns the label maps into
    photos, and another model of the pool, the scorer, turns them back into label maps."""

    def spec(session: Session) -> dict[str, Any]:
        if not trainings.annotated(session, pool_id, new.split, limit=1):
            raise NoAnnotations(
                f"No image of the {new.split} split is annotated: annotate some, then evaluate the model."
            )
        return new.model_dump(mode="json")

    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        found_model(session, new.model_id, within=pool_id)
        require_direction(session, new.model_id, new.direction)
        _check_scorer(session, pool, new)
    job = order(service, pool_id, "evaluate", new.model_dump(mode="json"), idempotency_key, spec)
    return accepted(job)


@router.get(
    "/evaluations/{evaluation_id}",
    summary="Get an evaluation",
    dependencies=[VIEWER],
    tags=TAGS,
    responses=errors(NotFound),
)
def get_evaluation(service: ServiceDep, evaluation_id: UUID) -> Evaluation:
    with service.database.read() as session:
        row = found_evaluation(session, evaluation_id)
        return Evaluation.of(row, evaluations.left(session, [row.id]))


@router.get(
    "/evaluations/{evaluation_id}/confusion",
    summary="Get which classes were taken for which",
    dependencies=[VIEWER],
    tags=TAGS,
    responses=errors(NotFound),
)
def get_confusion(service: ServiceDep, evaluation_id: UUID) -> Confusion:
    with service.database.read() as session:
        found = found_evaluation(session, evaluation_id)
        counts, names = found.confusion, [each["name"] for each in found.metrics.get("per_class", [])]
    if counts is None:
        raise NotFound("This evaluation has no such counts: it is of an `rgb` pool, or an older one.")
    size = len(names)
    return Confusion(classes=names, pixels=[counts[row * size : (row + 1) * size] for row in range(size)])


@router.get(
    "/evaluations/{evaluation_id}/images",
    summary="List an evaluation's images with their scores",
    dependencies=[VIEWER],
    tags=TAGS,
    responses=errors(NotFound),
)
def list_evaluation_images(
    service: ServiceDep,
    evaluation_id: UUID,
    sort: Annotated[Sort, Query(description="With a minus, the largest first.")] = "score",
    contains: Contains = None,
    total: Total = False,
    cursor: OrderedCursor = None,
    limit: Limit = 100,
) -> CountedPage[ScoredImage]:
    """By default the worst first: these images show what to label next."""
    wanted = Wanted(evaluation_id, contains, sort)
    with service.database.read() as session:
        found_evaluation(session, evaluation_id)
        page, following = evaluations.images(session, wanted, cursor=cursor, limit=limit)
        count = evaluations.total(session, wanted) if total else None
    items = [ScoredImage.model_validate(row) for row in page]
    return CountedPage(items=items, next=following, total=count)


@router.get(
    "/evaluations/{evaluation_id}/images/{image_id}/prediction",
    summary="Get the prediction for an image",
    dependencies=[VIEWER],
    tags=TAGS,
    response_class=Response,
    responses={
        **content("image/png", "A PNG with the size of the image's annotation."),
        **errors(NotFound),
    },
)
def get_prediction(service: ServiceDep, request: Request, evaluation_id: UUID, image_id: UUID) -> Response:
    """The label map that was compared with the annotation, a palette PNG of positions in the class table; in
    an `rgb` pool, and for photos made of label maps, the translation."""
    image, class_table = _prediction(service, evaluation_id, image_id)
    palette = palette_of(class_table)
    return blob_response(service.blobs, request, image.sha256, image.size_bytes, "image/png", palette=palette)


@router.get(
    "/evaluations/{evaluation_id}/images/{image_id}/prediction/thumbnail",
    summary="Get a small picture of the prediction for an image",
    dependencies=[VIEWER],
    tags=TAGS,
    response_class=Response,
    responses={
        **content("image/png", "At most `size` pixels wide and high, in the colours of the classes."),
        **errors(NotFound),
    },
)
async def get_prediction_thumbnail(
    service: ServiceDep, request: Request, evaluation_id: UUID, image_id: UUID, size: thumbnails.Side = 256
) -> Response:
    """Made once and kept, if `size` is 64, 128, 256 or 512."""
    image, class_table = await run_in_threadpool(_prediction, service, evaluation_id, image_id)
    return await thumbnails.of_label_map(service, request, image.sha256, size, class_table)


def _prediction(
    service: Service, evaluation_id: UUID, image_id: UUID
) -> tuple[tables.EvaluationImage, dict[str, Any] | None]:
    """The prediction, and the class table that it is of; None if it is an RGB image."""
    with service.database.read() as session:
        evaluation = found_evaluation(session, evaluation_id)
        model = found_model(session, evaluation.model_id)
        class_table = found_pool(session, model.pool_id).class_table
        image = evaluations.image(session, evaluation_id, image_id)
    if image is None:
        raise NotFound(
            f"The image {image_id} is not part of the evaluation: GET /evaluations/{evaluation_id}/images "
            "lists its images."
        )
    return image, class_table if evaluation.direction == PHOTOS_TO_LABELS else None


def _check_scorer(session: Session, pool: tables.Pool, new: NewEvaluation) -> None:
    """Raise InvalidEvaluation if the scorer is missing, not needed, or unable to score the photos."""
    if new.direction == PHOTOS_TO_LABELS:
        if new.scorer is not None:
            raise InvalidEvaluation(
                "Label maps are compared with the annotations and need no scorer: leave out `scorer`, or ask "
                "for the direction labels_to_photos."
            )
        return
    how = (
        f'train one with POST /pools/{pool.id}/trainings {{"method": "fcn8s"}} (any method will do), or '
        f"import an ONNX file with POST /pools/{pool.id}/models"
    )
    if pool.class_table is None:
        raise InvalidEvaluation(
            "Photos are scored by the classes found in them, and this pool has no classes: evaluate the "
            "direction photos_to_labels."
        )
    if new.scorer is None:
        raise InvalidEvaluation(
            f"Photos made from label maps are scored by another model, which segments them: {how}, and send "
            "its id as `scorer`."
        )
    if new.scorer == new.model_id:
        raise InvalidEvaluation(
            "A model cannot score its own photos, because its two directions learned to undo each other: "
            f"{how}, and send its id as `scorer`."
        )
    found_model(session, new.scorer, within=pool.id)
