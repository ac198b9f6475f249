"""Find the row that a request names, or raise the problem that says it does not exist."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import LABELS_TO_PHOTOS, METHODS
from service.http.problems import NoSelection, NoSuchDirection, NotFound
from store import annotations, images, jobs, models, pools, selections
from store.database import Database
from store.tables import Image, Job, Model, Pool, Selection

BACKWARD = "label_to_photo.safetensors"


def require_pool(database: Database, pool_id: UUID) -> None:
    """Raise NotFound if there is no such pool."""
    with database.read() as session:
        found_pool(session, pool_id)


def found_pool(session: Session, pool_id: UUID) -> Pool:
    pool = pools.get(session, pool_id)
    if pool is None:
        raise NotFound(f"There is no pool {pool_id}: GET /pools lists all pools.")
    return pool


def found_selection(session: Session, selection_id: UUID) -> Selection:
    selection = selections.get(session, selection_id)
    if selection is None:
        raise NotFound(f"There is no selection {selection_id}: GET /pools/{{id}}/select makes one.")
    return selection


def newest_selection(session: Session, pool_id: UUID) -> Selection:
    """The pool's newest selection of train images; assignments use it if no other selection is named."""
    newest = selections.newest(session, pool_id)
    if newest is None:
        raise NoSelection(
            f"The pool has no selection of train images yet: make one, GET /pools/{pool_id}/select?budget=…"
        )
    return newest


def found_image(session: Session, image_id: UUID) -> tuple[Image, int | None]:
    """The image and the number of its newest annotation."""
    image = images.get(session, image_id)
    if image is None:
        raise NotFound(f"There is no image {image_id}: GET /pools/{{id}}/images lists the images of a pool.")
    newest = annotations.newest(session, image_id)
    return image, newest.revision if newest else None


def found_job(session: Session, job_id: UUID) -> Job:
    job = jobs.get(session, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}: GET /jobs lists all jobs.")
    return job


def found_model(session: Session, model_id: UUID) -> Model:
    model = models.get(session, model_id)
    if model is None:
        raise NotFound(f"There is no model {model_id}: GET /pools/{{id}}/models lists the models of a pool.")
    return model


def require_direction(session: Session, model_id: UUID, direction: str) -> None:
    """Raise NoSuchDirection if the model does not translate in this direction. All models make label maps
    from photos."""
    if direction == LABELS_TO_PHOTOS and models.file(session, model_id, BACKWARD) is None:
        method = found_model(session, model_id).method
        able = [name for name, facts in METHODS.items() if LABELS_TO_PHOTOS in facts.directions]
        raise NoSuchDirection(
            f"This model ({method}) makes label maps from photos and not the reverse: use one trained with "
            f"{' or '.join(able)}."
        )


def class_ids(pool: Pool) -> frozenset[int] | None:
    """The values that a label map of the pool may contain; None if the pool has no classes."""
    if pool.class_table is None:
        return None
    return frozenset([*range(len(pool.class_table["classes"])), pool.class_table["ignore"]])
