"""Find the row that a request names, or raise the problem that says it does not exist."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import LABELS_TO_PHOTOS, METHODS
from service.http.problems import Gone, NoSelection, NoSuchDirection, NotFound
from store import annotations, images, jobs, models, pools, selections
from store.database import Database
from store.tables import Deletable, Image, Job, Model, Pool, Selection

BACKWARD = "label_to_photo.safetensors"

Row = TypeVar("Row")
Deleted = TypeVar("Deleted", bound=Deletable)


def found(row: Row | None, missing: str) -> Row:
    """The row. Raises NotFound if there is none; `missing` is what there is not, and where to look."""
    if row is None:
        raise NotFound(f"There is no {missing}")
    return row


def kept(row: Deleted, what: str) -> Deleted:
    """The row. Raises Gone if it was deleted; `what` names it, and the address that takes that back."""
    if row.gone_at is not None:
        raise Gone(
            f"{what} takes that back until {row.gone_at:%Y-%m-%d %H:%M} UTC.", gone_at=row.gone_at.isoformat()
        )
    return row


def require_pool(database: Database, pool_id: UUID) -> None:
    """Raise NotFound if there is no such pool."""
    with database.read() as session:
        found_pool(session, pool_id)


def found_pool(session: Session, pool_id: UUID) -> Pool:
    return found(pools.get(session, pool_id), f"pool {pool_id}: GET /pools lists all pools.")


def found_selection(session: Session, selection_id: UUID) -> Selection:
    return found(
        selections.get(session, selection_id),
        f"selection {selection_id}: GET /pools/{{id}}/select makes one.",
    )


def newest_selection(session: Session, pool_id: UUID) -> Selection:
    """The pool's newest selection of train images; assignments use it if no other selection is named."""
    newest = selections.newest(session, pool_id)
    if newest is None:
        raise NoSelection(
            f"The pool has no selection of train images yet: make one, GET /pools/{pool_id}/select?budget=…"
        )
    return newest


def found_image(session: Session, image_id: UUID) -> tuple[Image, int | None]:
    """The image and the revision of its annotation; None if it has none."""
    missing = f"image {image_id}: GET /pools/{{id}}/images lists the images of a pool."
    image = found(images.get(session, image_id), missing)
    kept(image, f"{image.name} was deleted: POST /images/{image_id}/undelete")
    annotation = annotations.current(session, image_id)
    return image, annotation.revision if annotation else None


def found_job(session: Session, job_id: UUID) -> Job:
    return found(jobs.get(session, job_id), f"job {job_id}: GET /jobs lists all jobs.")


def found_model(session: Session, model_id: UUID) -> Model:
    return found(
        models.get(session, model_id),
        f"model {model_id}: GET /pools/{{id}}/models lists the models of a pool.",
    )


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
