"""Find the row that a request names, or raise the problem that says it does not exist.

What somebody may not see is answered with the same words, so that nobody learns which ids exist.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog import LABELS_TO_PHOTOS, METHODS
from service.http.problems import ClassTableChanged, Gone, NoSelection, NoSuchDirection, NotFound
from store import annotations, evaluations, events, images, jobs, models, pools, selections
from store.database import Database
from store.tables import Deletable, Evaluation, Image, Job, Model, Pool, Selection

BACKWARD = "label_to_photo.safetensors"

WHERE: Mapping[str, str] = {
    "pool": "GET /pools lists all pools.",
    "image": "GET /pools/{id}/images lists the images of a pool.",
    "label_map": "GET /pools/{id}/labels lists the label maps of a pool.",
    "selection": "GET /pools/{id}/selections lists the selections of a pool.",
    "assignment": "GET /pools/{id}/assignments lists the assignments of a pool.",
    "job": "GET /jobs lists all jobs.",
    "model": "GET /pools/{id}/models lists the models of a pool.",
    "evaluation": "GET /models/{id} lists the evaluations of a model.",
}
"""What an id can be of, and where to find one that exists."""

Found = TypeVar("Found")
Deleted = TypeVar("Deleted", bound=Deletable)


def missing(kind: str, id: UUID) -> NotFound:
    """The problem to raise if there is nothing of this kind with this id, or nothing that may be seen."""
    return NotFound(f"There is no {_words(kind)} {id}: {WHERE[kind]}")


def found(row: Found | None, kind: str, id: UUID) -> Found:
    """The row. Raises NotFound if there is none."""
    if row is None:
        raise missing(kind, id)
    return row


def present(
    session: Session, row: Deleted | None, kind: str, id: UUID, within: UUID | None = None
) -> Deleted:
    """The row. Raises NotFound, or Gone if it or its pool was deleted. An id of a pool other than `within`
    is answered as if it did not exist.
    """
    if row is None:
        raise never_or_gone(session, kind, id, within)
    if within not in (None, _pool_id(row)):
        raise missing(kind, id)
    _require_kept(row, kind)
    if not isinstance(row, Pool) and (pool_id := _pool_id(row)):
        _require_kept(session.get_one(Pool, pool_id), "pool")
    return row


def never_or_gone(session: Session, kind: str, id: UUID, within: UUID | None = None) -> NotFound | Gone:
    """The problem to raise if there is no row: it was removed for good, from the pool `within` if one is
    given, or it never existed.
    """
    removal = events.removal(session, id)
    if removal is None or within not in (None, removal.pool_id):
        return missing(kind, id)
    gone = f"The {_words(kind)} {id} was removed for good on {removal.created_at:%Y-%m-%d}."
    return Gone(gone, **removal.details)


def _require_kept(row: Deletable, kind: str) -> None:
    if row.gone_at is None:
        return
    if isinstance(row, Pool) and row.removed:
        raise Gone(f"The pool {row.id} was removed for good.")
    raise Gone(
        f"The {_words(kind)} {row.id} was deleted; until {row.gone_at:%Y-%m-%d %H:%M} UTC that can be taken "
        f"back, with POST /{kind}s/{row.id}/undelete.",
        gone_at=row.gone_at.isoformat(),
    )


def _pool_id(row: Deletable) -> UUID | None:
    pool_id: UUID | None = row.id if isinstance(row, Pool) else row.pool_id  # type: ignore[attr-defined]
    return pool_id


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def require_pool(database: Database, pool_id: UUID) -> None:
    """Raise NotFound if there is no such pool."""
    with database.read() as session:
        found_pool(session, pool_id)


def found_pool(session: Session, pool_id: UUID) -> Pool:
    return present(session, pools.get(session, pool_id), "pool", pool_id)


def require_same_classes(session: Session, pool_id: UUID, table: dict[str, Any] | None) -> None:
    """Raise ClassTableChanged unless the classes of `table`, with which a label map was read, are still those
    of the pool; new ones may have come. From then on they stay until the transaction ends.
    """
    now = pools.steady(session, pool_id).class_table
    if table and now and now["classes"][: len(table["classes"])] != table["classes"]:
        raise ClassTableChanged(
            "Somebody has changed the class table meanwhile, so that this label map may have been read "
            "otherwise than it was meant: look at the classes, then send it again."
        )


def found_selection(session: Session, selection_id: UUID, within: UUID | None = None) -> Selection:
    return present(session, selections.get(session, selection_id), "selection", selection_id, within)


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
    image = present(session, images.get(session, image_id), "image", image_id)
    annotation = annotations.current(session, image_id)
    return image, annotation.revision if annotation else None


def found_job(session: Session, job_id: UUID) -> Job:
    return present(session, jobs.get(session, job_id), "job", job_id)


def found_model(session: Session, model_id: UUID, within: UUID | None = None) -> Model:
    return present(session, models.get(session, model_id), "model", model_id, within)


def found_evaluation(session: Session, evaluation_id: UUID, within: UUID | None = None) -> Evaluation:
    """The evaluation, which is gone if the job that made it was deleted."""
    evaluation = found(evaluations.get(session, evaluation_id), "evaluation", evaluation_id)
    if within is not None:
        model = session.get_one(Model, evaluation.model_id)
        if model.pool_id != within:
            raise missing("evaluation", evaluation_id)
        _require_kept(model, "model")
    _require_kept(session.get_one(Job, evaluation.job_id), "job")
    return evaluation


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
