"""Addresses that order trainings and evaluations."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from service.answers import errors
from service.bodies import Route
from service.edge import ServiceDep, found_model, found_pool
from service.jobs.answers import ACCEPTED, IdempotencyKey, accepted, order
from service.jobs.schemas import Job, NewEvaluation, NewTraining
from service.problems import (
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidTraining,
    NoAnnotations,
    NotFound,
    NoUnpairedLabelMaps,
    PoolEmpty,
)
from store import images, label_maps, trainings

router = APIRouter(tags=["trainings and evaluations"], route_class=Route)

NEEDS_PAIRS = ("hybrid", "pix2pix")


@router.post(
    "/pools/{pool_id}/trainings",
    summary="Order a training",
    status_code=202,
    response_model=Job,
    responses={
        **ACCEPTED,
        **errors(
            NotFound,
            InvalidTraining,
            PoolEmpty,
            NoAnnotations,
            NoUnpairedLabelMaps,
            IdempotencyKeyReused,
            FileTooLarge,
        ),
    },
)
def order_training(
    service: ServiceDep, pool_id: UUID, new: NewTraining, idempotency_key: IdempotencyKey = None
) -> Response:
    """Trains a photo → label-map translator on the pool's annotated train images (their newest revisions as
    of now), its other photos, and its unpaired label maps. The job's result names the model."""
    with service.database.read() as session:
        found_pool(session, pool_id)

    def spec(session: Session) -> dict[str, Any]:
        return {
            "method": new.method,
            "recipe": new.recipe,
            "options": new.options.model_dump(exclude_none=True),
            "pairs": _pairs(session, pool_id, new),
        }

    job = order(service, pool_id, "train", new.model_dump(mode="json"), idempotency_key, spec)
    return accepted(job)


@router.post(
    "/pools/{pool_id}/evaluations",
    summary="Order an evaluation",
    status_code=202,
    response_model=Job,
    responses={
        **ACCEPTED,
        **errors(NotFound, NoAnnotations, IdempotencyKeyReused, FileTooLarge),
    },
)
def order_evaluation(
    service: ServiceDep, pool_id: UUID, new: NewEvaluation, idempotency_key: IdempotencyKey = None
) -> Response:
    """Scores a model on the annotated images of a split: in the job's result, and with the model."""

    def spec(session: Session) -> dict[str, Any]:
        if not trainings.annotated(session, pool_id, new.split, limit=1):
            raise NoAnnotations(
                f"No image of the {new.split} split is annotated: annotate some, then evaluate."
            )
        return {"model_id": str(new.model_id), "split": new.split}

    with service.database.read() as session:
        found_pool(session, pool_id)
        if found_model(session, new.model_id).pool_id != pool_id:
            raise NotFound(f"The model {new.model_id} belongs to another pool: evaluate it there.")
    job = order(service, pool_id, "evaluate", new.model_dump(mode="json"), idempotency_key, spec)
    return accepted(job)


def _pairs(session: Session, pool_id: UUID, new: NewTraining) -> list[tuple[str, int]]:
    """The pairs as [image id, revision]: fixed now, so that every attempt learns from the same."""
    if not images.page(session, pool_id, after=None, limit=1, split="train"):
        raise PoolEmpty("The pool has no train image to learn from: upload photos first.")
    annotated = trainings.annotated(session, pool_id, "train")
    pairs = {image.id: annotation.revision for image, annotation in annotated}
    if new.pairs is not None:
        unknown = [str(image_id) for image_id in new.pairs if image_id not in pairs]
        if unknown:
            raise InvalidTraining(
                f"{unknown[0]} is no annotated train image of the pool: annotate it, or leave it out of "
                "`pairs`.",
                images=unknown[:100],
            )
        pairs = {image_id: pairs[image_id] for image_id in new.pairs}
    if not pairs and new.method in NEEDS_PAIRS:
        raise NoAnnotations(
            f"No train image is annotated, and {new.method} learns from pairs: annotate at least one, or "
            "use cyclegan."
        )
    if not pairs and not label_maps.page(session, pool_id, after=None, limit=1):
        raise NoUnpairedLabelMaps(
            f"{new.method} learns what label maps look like and the pool has none: upload some with "
            f"PUT /pools/{pool_id}/labels/{{name}}, or annotate images."
        )
    return [(str(image_id), revision) for image_id, revision in pairs.items()]
