"""Addresses that order trainings and evaluations."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import (
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidEvaluation,
    InvalidTraining,
    NoAnnotations,
    NoSuchDirection,
    NotFound,
    NoUnpairedLabelMaps,
    PoolEmpty,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.jobs.schemas import Job, NewEvaluation, NewTraining
from service.lookups import found_model, found_pool, require_direction
from service.runtime import ServiceDep
from store import images, label_maps, trainings
from store.label_maps import ANNOTATIONS
from store.tables import Pool

router = APIRouter(tags=["trainings and evaluations"], route_class=Route)

NEEDS_PAIRS = ("hybrid", "pix2pix", "tripathy", "fcn8s")
PAIRS_ALONE = ("pix2pix", "fcn8s")
LEARNS_CLASSES = ("fcn8s",)


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
        pool = found_pool(session, pool_id)
    if pool.class_table is None and new.method in LEARNS_CLASSES:
        raise InvalidTraining(
            f"{new.method} learns classes and the pool has none: use hybrid or pix2pix, which draw images."
        )

    def spec(session: Session) -> dict[str, Any]:
        pairs = _pairs(session, pool_id, new)
        _check_label_sources(session, pool_id, new, has_pairs=bool(pairs))
        return {
            "method": new.method,
            "recipe": new.recipe,
            "options": new.options.model_dump(exclude_none=True),
            "pairs": pairs,
            "label_sources": new.label_sources,
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
        **errors(
            NotFound, InvalidEvaluation, NoSuchDirection, NoAnnotations, IdempotencyKeyReused, FileTooLarge
        ),
    },
)
def order_evaluation(
    service: ServiceDep, pool_id: UUID, new: NewEvaluation, idempotency_key: IdempotencyKey = None
) -> Response:
    """Scores a model on the annotated images of a split: in the job's result, with the model, and image by
    image at `/evaluations/{id}/images`. `labels_to_photos` turns the label maps into photos and lets another
    model of the pool, the scorer, find them again."""

    def spec(session: Session) -> dict[str, Any]:
        if not trainings.annotated(session, pool_id, new.split, limit=1):
            raise NoAnnotations(
                f"No image of the {new.split} split is annotated: annotate some, then evaluate."
            )
        return new.model_dump(mode="json")

    with service.database.read() as session:
        pool = found_pool(session, pool_id)
        if found_model(session, new.model_id).pool_id != pool_id:
            raise NotFound(f"The model {new.model_id} belongs to another pool: evaluate it there.")
        require_direction(session, new.model_id, new.direction)
        _check_scorer(session, pool, new)
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
    return [(str(image_id), revision) for image_id, revision in pairs.items()]


def _check_label_sources(session: Session, pool_id: UUID, new: NewTraining, has_pairs: bool) -> None:
    """Raise what is wrong with the places that unpaired label maps are to come from."""
    if new.method in PAIRS_ALONE:
        if new.label_sources is not None:
            raise InvalidTraining(f"{new.method} learns from pairs alone: leave `label_sources` out.")
        return
    uploaded = label_maps.sources(session, pool_id)
    known = [*uploaded, ANNOTATIONS]
    if unknown := [source for source in new.label_sources or [] if source not in known]:
        raise InvalidTraining(
            f"The pool has no label maps of the source {unknown[0]}; there are {', '.join(known)}. Upload "
            f"some with PUT /pools/{pool_id}/labels/{{name}}?source=…",
            label_sources=known,
        )
    asked = known if new.label_sources is None else new.label_sources
    if not has_pairs and not any(source in uploaded for source in asked):
        raise NoUnpairedLabelMaps(
            f"{new.method} learns what label maps look like and there are none: upload some with "
            f"PUT /pools/{pool_id}/labels/{{name}}, or annotate images."
        )


def _check_scorer(session: Session, pool: Pool, new: NewEvaluation) -> None:
    """Raise InvalidEvaluation when there is a scorer and none is needed, or none that can judge."""
    if new.direction == "photos_to_labels":
        if new.scorer is not None:
            raise InvalidEvaluation(
                "Label maps are compared with the annotations, without a scorer: leave `scorer` out, or ask "
                "for the direction labels_to_photos."
            )
        return
    how = (
        f'train one with POST /pools/{pool.id}/trainings {{"method": "fcn8s"}} (any method will do), or '
        f"import an ONNX file with POST /pools/{pool.id}/models"
    )
    if pool.class_table is None:
        raise InvalidEvaluation(
            "Photos are scored by the classes found in them, and this pool has no classes: evaluate "
            "photos_to_labels."
        )
    if new.scorer is None:
        raise InvalidEvaluation(
            f"Photos made of label maps are judged by a scorer, a model that segments them: {how}, and give "
            "its id as `scorer`."
        )
    if new.scorer == new.model_id:
        raise InvalidEvaluation(
            "A model cannot score its own photos: its two directions learned to undo each other. Give "
            f"another scorer: {how}."
        )
    if found_model(session, new.scorer).pool_id != pool.id:
        raise InvalidEvaluation(
            f"The scorer {new.scorer} belongs to another pool, whose classes may differ: {how}."
        )
