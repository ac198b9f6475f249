"""The address that orders trainings."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from models.catalog import METHODS
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import (
    FileTooLarge,
    IdempotencyKeyReused,
    InvalidTraining,
    NoAnnotations,
    NotFound,
    NoUnpairedLabelMaps,
    PoolEmpty,
)
from service.jobs.enqueue import ACCEPTED, IdempotencyKey, accepted, order
from service.lookups import found_pool
from service.runtime import ServiceDep
from service.trainings.schemas import NewTraining
from store import images, label_maps, trainings
from store.label_maps import ANNOTATIONS

router = APIRouter(tags=["trainings and evaluations"], route_class=Route)


@router.post(
    "/pools/{pool_id}/trainings",
    summary="Order a training",
    status_code=202,
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
    """Trains a photo → label-map translator on the pool's annotated train images (with the revisions that are
    newest now), its other photos, and its unpaired label maps. The job's result names the model."""
    with service.database.read() as session:
        pool = found_pool(session, pool_id)
    if pool.class_table is None and METHODS[new.method].learns_classes:
        raise InvalidTraining(
            f"{new.method} learns classes and the pool has none: use "
            + " or ".join(name for name, method in METHODS.items() if not method.learns_classes)
            + "."
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


def _pairs(session: Session, pool_id: UUID, new: NewTraining) -> list[tuple[str, int]]:
    """The pairs as (image id, revision). Fixed now, so that all attempts learn from the same pairs."""
    if not images.page(session, pool_id, after=None, limit=1, split="train"):
        raise PoolEmpty("The pool has no train image to learn from: upload photos first.")
    annotated = trainings.annotated(session, pool_id, "train")
    pairs = {image.id: annotation.revision for image, annotation in annotated}
    if new.pairs is not None:
        unknown = [str(image_id) for image_id in new.pairs if image_id not in pairs]
        if unknown:
            raise InvalidTraining(
                f"{unknown[0]} is not an annotated train image of the pool: annotate it, or leave it out of "
                "`pairs`.",
                images=unknown[:100],
            )
        pairs = {image_id: pairs[image_id] for image_id in new.pairs}
    if not pairs and METHODS[new.method].needs_pairs:
        raise NoAnnotations(
            f"No train image is annotated, and {new.method} learns from pairs: annotate at least one, or use "
            + " or ".join(name for name, method in METHODS.items() if not method.needs_pairs)
            + "."
        )
    return [(str(image_id), revision) for image_id, revision in pairs.items()]


def _check_label_sources(session: Session, pool_id: UUID, new: NewTraining, has_pairs: bool) -> None:
    """Raise a Problem if the training cannot take its unpaired label maps from the sources that it names."""
    if not METHODS[new.method].needs_unpaired:
        if new.label_sources is not None:
            raise InvalidTraining(f"{new.method} learns from pairs only: leave out `label_sources`.")
        return
    uploaded = label_maps.sources(session, pool_id)
    known = [*uploaded, ANNOTATIONS]
    if unknown := [source for source in new.label_sources or [] if source not in known]:
        raise InvalidTraining(
            f"The pool has no label maps of the source {unknown[0]}; its sources are {', '.join(known)}. "
            f"Upload some with PUT /pools/{pool_id}/labels/{{name}}?source=…",
            label_sources=known,
        )
    asked = known if new.label_sources is None else new.label_sources
    if not has_pairs and not any(source in uploaded for source in asked):
        raise NoUnpairedLabelMaps(
            f"{new.method} learns from unpaired label maps and there are none: upload some with "
            f"PUT /pools/{pool_id}/labels/{{name}}, or annotate images."
        )
