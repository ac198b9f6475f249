"""Delete and take back, the same for everything that can be deleted."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.roles import require_admin
from service.http.problems import Gone, NotDeletable
from service.lookups import never_or_gone
from service.runtime import Service
from store import deletions, pools
from store.deletions import Rows
from store.events import Kind
from store.tables import Image, Pool

OF_NOW = Query(
    description="1: remove it for good, without the time in which that can be taken back. Only an "
    "administrator may."
)


async def _now(principal: PrincipalDep, now: Annotated[bool, OF_NOW] = False) -> bool:
    if now:
        require_admin(principal)
    return now


Now = Annotated[bool, Depends(_now)]
"""Whether to remove something for good. Raises Forbidden if others than an administrator ask for it."""


class Deletion(BaseModel):
    """Something that was deleted."""

    kind: Kind
    id: UUID
    gone_at: datetime = Field(
        description="Until then the deletion can be taken back; then it is removed for good, as soon as no "
        "job works with it."
    )


def delete(service: Service, kind: Kind, id: UUID, now: bool) -> Deletion:
    """Delete something, which may be deleted already. Raises NotFound, or Gone if it was removed for good."""
    with service.database.write() as session:
        row = _locked(session, kind, id)
        deletions.delete(session, kind, row, 0 if now else service.settings.keep_deleted_s)
        ordered = deletions.order(session, service.settings) if now else []
        assert row.gone_at
        deletion = Deletion(kind=kind, id=row.id, gone_at=row.gone_at)
    service.ring(*ordered)
    return deletion


def undelete(service: Service, kind: Kind, id: UUID) -> None:
    """Take a deletion back. Raises NotFound, or Gone if it is too late."""
    with service.database.write() as session:
        if not deletions.undelete(session, kind, _locked(session, kind, id)):
            raise Gone("It is too late: it is being removed for good.")


def holds_name(row: Image | Pool) -> str:
    """Why the name of a deleted photo or pool cannot be used yet, and what to do, in sentences."""
    kind, noun, words = ("pool", "pool", "pool ") if isinstance(row, Pool) else ("image", "photo", "")
    command = "fewpairs" if kind == "pool" else "fewpairs photo"
    assert row.gone_at
    if row.gone_at <= datetime.now(UTC):
        return f"{row.name} is the name of a {noun} that is being removed for good: try again in a moment."
    return (
        f"{row.name} is the name of a {noun} that was deleted; until {row.gone_at:%Y-%m-%d %H:%M} UTC that "
        f"can be taken back, with POST /{kind}s/{row.id}/undelete (`{command} undelete {words}{row.id}`). To "
        f"use the name for another {noun}, first remove it for good, with DELETE /{kind}s/{row.id}?now=1 "
        f"(`{command} delete {words}{row.id} --now`)."
    )


def _locked(session: Session, kind: Kind, id: UUID) -> Rows:
    row: Rows | None = session.get(deletions.TABLES[kind], id)
    if row is None or (isinstance(row, Pool) and row.removed):
        raise never_or_gone(session, kind, id)
    pool_id = deletions.pool_of(row)
    if pool_id is None:
        raise NotDeletable("The doctor's reports are kept for a time, and are then removed by themselves.")
    pools.lock(session, pool_id)
    session.refresh(row)
    return row
