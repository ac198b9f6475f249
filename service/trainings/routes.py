"""The address that orders trainings."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from models.advice import Situation, advised_method, advised_recipe
from models.catalog import DEFAULT_RECIPE, METHODS, TrainingSpec, build
from service.access.credentials import PrincipalDep
from service.access.encoders import require_encoder
from service.access.roles import CURATOR
from service.colors import SAFE_DISTANCE, nearest_pair
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
from service.lookups import found_model, found_pool, require_pool
from service.runtime import ServiceDep
from service.situation import situation
from service.trainings.schemas import NewTraining
from store import class_pixels, images, label_maps, trainings
from store.label_maps import ANNOTATIONS
from store.principals import Principal
from store.settings import Settings
from store.tables import Annotation, Model, Pool

NETWORK_OPTIONS = ("encoder", "generator", "channels", "blocks")
"""The options that decide the shapes of a translator's weights."""

router = APIRouter(tags=["trainings and evaluations"], route_class=Route)


@router.post(
    "/pools/{pool_id}/trainings",
    summary="Order a training",
    dependencies=[CURATOR],
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
    service: ServiceDep,
    principal: PrincipalDep,
    pool_id: UUID,
    new: NewTraining,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Trains a photo → label-map translator on the pool's annotated train images (with the revisions that are
    newest now), its other photos, and its unpaired label maps. The job's result names the model. An `encoder`
    `timm:NAME` that is not the pool's is for administrators."""
    require_pool(service.database, pool_id)

    def spec(session: Session) -> dict[str, Any]:
        return _spec(session, service.settings, principal, pool_id, new)

    job = order(service, pool_id, "train", new.model_dump(mode="json"), idempotency_key, spec)
    return accepted(job)


def _spec(
    session: Session, settings: Settings, principal: Principal, pool_id: UUID, new: NewTraining
) -> dict[str, Any]:
    """The job's spec, in which everything is decided that the order leaves open."""
    pool = found_pool(session, pool_id)
    if new.method is None:
        _require_photos(session, pool_id)
    annotations = _pairs(session, pool_id, new)
    pairs = [(str(annotation.image_id), annotation.revision) for annotation in annotations]
    method, recipe = _chosen(replace(situation(session, settings, pool), pairs=len(pairs)), new)
    options = new.options.model_dump(exclude_none=True)
    try:
        built = build(recipe, method, **options)
    except ValueError as error:
        raise InvalidTraining(f"{error}.") from error
    require_encoder(principal, built.encoder, settings.encoder, pool.encoder)
    if pool.class_table and not built.learns_classes(has_classes=True):
        _check_colors(pool.id, method, pool.class_table["classes"])
    _require_photos(session, pool_id)
    _check_method(pool, method, has_pairs=bool(pairs))
    if new.start_from:
        _check_start(found_model(session, new.start_from, within=pool_id), method, built)
    _check_label_sources(session, pool_id, method, new.label_sources, has_pairs=bool(pairs))
    return {
        "method": method,
        "recipe": recipe,
        "options": options,
        "pairs": pairs,
        "label_sources": new.label_sources,
        "start_from": new.start_from and str(new.start_from),
        "missing_classes": class_pixels.missing(pool.class_table, annotations),
    }


def _require_photos(session: Session, pool_id: UUID) -> None:
    if not images.any_of(session, pool_id, "train"):
        raise PoolEmpty("The pool has no train image to learn from: upload photos first.")


def _chosen(pool: Situation, new: NewTraining) -> tuple[str, str]:
    """The method and the recipe: those of the order, and those of the advice where it names none."""
    if new.method is None:
        if not pool.pairs:
            raise NoAnnotations(
                "No train image is annotated: annotate at least one, or name a method that needs none, "
                f"{_methods(needs_pairs=False)}."
            )
        method = advised_method(pool, new.recipe)
        return method, new.recipe or advised_recipe(pool, method)
    is_papers = not METHODS[new.method].beyond
    return new.method, new.recipe or (DEFAULT_RECIPE if is_papers else advised_recipe(pool, new.method))


def _check_method(pool: Pool, method: str, has_pairs: bool) -> None:
    """Raise a Problem if the pool does not have what the method learns from."""
    if pool.class_table is None and METHODS[method].learns_classes:
        raise InvalidTraining(
            f"{method} learns classes and the pool has none: use {_methods(learns_classes=False)}."
        )
    if not has_pairs and METHODS[method].needs_pairs:
        raise NoAnnotations(
            f"No train image is annotated, and {method} learns from pairs: annotate at least one, or use "
            f"{_methods(needs_pairs=False)}."
        )


def _check_colors(pool_id: UUID, method: str, classes: list[dict[str, Any]]) -> None:
    """Raise InvalidTraining if the translator, which draws colours, could not draw two classes apart."""
    if len(classes) == 1:
        return
    distance, first, second = nearest_pair([tuple(entry["color"]) for entry in classes])
    if distance < SAFE_DISTANCE:
        raise InvalidTraining(
            f"{method} draws classes in colours, and those of {classes[first]['name']} and "
            f"{classes[second]['name']} are too near, {distance:.1f} apart in RGB. With neighbours one grey "
            "step apart, an error of 4 of 255 brought mean IoU from 1.00 to 0.17; with colours at least "
            f"{SAFE_DISTANCE} apart it cost nothing. Change a colour (PATCH /pools/{pool_id}/class_table), "
            f"or use {_methods(learns_classes=True)}.",
            classes=[classes[first]["name"], classes[second]["name"]],
        )


def _check_start(model: Model, method: str, spec: TrainingSpec) -> None:
    """Raise InvalidTraining if the training's networks cannot start with the model's weights."""
    if model.job_id is None:
        raise InvalidTraining(
            f"The model {model.id} was not trained here: start from one that was, or leave out `start_from`."
        )
    wanted = {"method": method} | {name: getattr(spec, name) for name in NETWORK_OPTIONS}
    for name, value in wanted.items():
        if (other := {"method": model.method, **model.spec}.get(name)) != value:
            raise InvalidTraining(
                f"The model {model.id} has {name} {other} and this training {value}, so their networks "
                "differ: give the training what the model has."
            )


def _methods(**facts: bool) -> str:
    """The names of the methods with these facts."""
    return " or ".join(
        name
        for name in METHODS
        if all(getattr(METHODS[name], fact) is value for fact, value in facts.items())
    )


def _pairs(session: Session, pool_id: UUID, new: NewTraining) -> list[Annotation]:
    """The annotations of the pairs. Fixed now, so that all attempts learn from the same pairs."""
    annotated = trainings.annotated(session, pool_id, "train")
    pairs = {image.id: annotation for image, annotation in annotated}
    if new.pairs is not None:
        unknown = [str(image_id) for image_id in new.pairs if image_id not in pairs]
        if unknown:
            raise InvalidTraining(
                f"{unknown[0]} is not an annotated train image of the pool: annotate it, or leave it out of "
                "`pairs`.",
                images=unknown[:100],
            )
        pairs = {image_id: pairs[image_id] for image_id in new.pairs}
    return list(pairs.values())


def _check_label_sources(
    session: Session, pool_id: UUID, method: str, sources: list[str] | None, has_pairs: bool
) -> None:
    """Raise a Problem if the training cannot take its unpaired label maps from the sources that it names."""
    if not METHODS[method].needs_unpaired:
        if sources is not None:
            raise InvalidTraining(f"{method} learns from pairs only: leave out `label_sources`.")
        return
    uploaded = label_maps.sources(session, pool_id)
    known = [*uploaded, ANNOTATIONS]
    if unknown := [source for source in sources or [] if source not in known]:
        raise InvalidTraining(
            f"The pool has no label maps of the source {unknown[0]}; its sources are {', '.join(known)}. "
            f"Upload some with PUT /pools/{pool_id}/labels/{{name}}?source=…",
            label_sources=known,
        )
    asked = known if sources is None else sources
    if not has_pairs and not any(source in uploaded for source in asked):
        raise NoUnpairedLabelMaps(
            f"{method} learns from unpaired label maps and there are none: upload some with "
            f"PUT /pools/{pool_id}/labels/{{name}}, or annotate images."
        )
