"""Unfinished label maps: at most one for each image and principal."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.clock import from_now
from store.references import leave
from store.tables import Draft


def get(session: Session, image_id: uuid.UUID, principal_id: uuid.UUID) -> Draft | None:
    return session.get(Draft, (image_id, principal_id))


def put(session: Session, image_id: uuid.UUID, principal_id: uuid.UUID, **columns: Any) -> Draft:
    """Keep a draft in the place of the earlier one, whose blob may leave."""
    if (earlier := get(session, image_id, principal_id)) and earlier.sha256 != columns["sha256"]:
        leave(session, [earlier.sha256])
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    written = {**columns, "updated_at": from_now(0)}
    added = dialect.insert(Draft).values(image_id=image_id, principal_id=principal_id, **written)
    replaced = added.on_conflict_do_update(index_elements=["image_id", "principal_id"], set_=written)
    returned = replaced.returning(Draft).execution_options(populate_existing=True)
    draft: Draft = session.scalars(returned).one()
    return draft


def remove(session: Session, image_id: uuid.UUID, principal_id: uuid.UUID | None) -> None:
    """Remove a principal's draft of an image, if there is one. None: whoever acts is not known."""
    _remove(session, Draft.image_id == image_id, Draft.principal_id == principal_id)


def count_old(session: Session, keep_s: float) -> int:
    """The number of drafts that `remove_old` removes."""
    return session.scalar(select(func.count()).select_from(Draft).where(_is_old(keep_s))) or 0


def remove_old(session: Session, keep_s: float) -> None:
    """Remove the drafts that nobody has changed for `keep_s` seconds."""
    _remove(session, _is_old(keep_s))


def _is_old(keep_s: float) -> ColumnElement[bool]:
    return Draft.updated_at < from_now(-keep_s)


def _remove(session: Session, *conditions: ColumnElement[bool]) -> None:
    leave(session, session.scalars(delete(Draft).where(*conditions).returning(Draft.sha256)).all())
