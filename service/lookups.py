"""Find the row that a request names, or raise the problem that says it does not exist."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import LABELS_TO_PHOTOS, METHODS
from service.http.problems import Gone, NoSelection, NoSuchDirection, NotFound
from store import annotations, events, images, jobs, models, pools, selections
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


def present(session: Session, row: Deleted | None, id: UUID, missing: str) -> Deleted:
    """The row. Raises NotFound, or Gone if it or its pool was deleted; `missing` is what it is, and where to
    look.
    """
    noun, where = missing.split(": ", 1)
    if row is None:
        if removal := events.removal(session, id):
            gone = f"The {noun} {id} was removed for good on {removal.created_at:%Y-%m-%d}."
            raise Gone(gone, **removal.details)
        raise NotFound(f"There is no {noun} {id}: {where}")
    _require_kept(row, noun)
    if not isinstance(row, Pool):
        _require_kept(session.get_one(Pool, row.pool_id), "pool")  # type: ignore[attr-defined]
    return row


def _require_kept(row: Deletable, noun: str) -> None:
    if row.gone_at is None:
        return
    if isinstance(row, Pool) and row.removed:
        raise Gone(f"The pool {row.id} was removed for good.")
    raise Gone(
        f"The {noun} {row.id} was deleted; until {row.gone_at:%Y-%m-%d %H:%M} UTC that can be taken back, "
        f"with POST /{noun}s/{row.id}/undelete.",
        gone_at=row.gone_at.isoformat(),
    )


def require_pool(database: Database, pool_id: UUID) -> None:
    """Raise NotFound if there is no such pool."""
    with database.read() as session:
        found_pool(session, pool_id)


def found_pool(session: Session, pool_id: UUID) -> Pool:
    return present(session, pools.get(session, pool_id), pool_id, "pool: GET /pools lists all pools.")


def found_selection(session: Session, selection_id: UUID) -> Selection:
    selection = selections.get(session, selection_id)
    return present(session, selection, selection_id, "selection: GET /pools/{id}/select makes one.")


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
    missing = "image: GET /pools/{id}/images lists the images of a pool."
    image = present(session, images.get(session, image_id), image_id, missing)
    annotation = annotations.current(session, image_id)
    return image, annotation.revision if annotation else None


def found_job(session: Session, job_id: UUID) -> Job:
    return present(session, jobs.get(session, job_id), job_id, "job: GET /jobs lists all jobs.")


def found_model(session: Session, model_id: UUID) -> Model:
    missing = "model: GET /pools/{id}/models lists the models of a pool."
    return present(session, models.get(session, model_id), model_id, missing)


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
