"""Delete and take back, the same for everything that can be deleted."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from service.http.problems import Gone
from service.runtime import Service
from store import deletions, pools
from store.deletions import Rows
from store.events import Kind

Now = Annotated[
    bool, Query(description="1: remove it for good, without the time in which that can be taken back.")
]


class Deletion(BaseModel):
    """Something that was deleted."""

    kind: Kind
    id: UUID
    gone_at: datetime = Field(
        description="Until then the deletion can be taken back; then it is removed for good, as soon as no "
        "job works with it."
    )


def delete(service: Service, kind: Kind, row: Rows, now: bool) -> Deletion:
    """Delete what was found; `row` may be deleted already."""
    with service.database.write() as session:
        pools.lock(session, row.pool_id)
        row = session.get_one(type(row), row.id, populate_existing=True)
        deletions.delete(session, kind, row, 0 if now else service.settings.keep_deleted_s)
        ordered = deletions.order(session, service.settings) if now else []
        assert row.gone_at
        deletion = Deletion(kind=kind, id=row.id, gone_at=row.gone_at)
    service.ring(*ordered)
    return deletion


def undelete(service: Service, kind: Kind, row: Rows) -> None:
    """Take a deletion back. Raises Gone if it is too late."""
    with service.database.write() as session:
        pools.lock(session, row.pool_id)
        row = session.get_one(type(row), row.id, populate_existing=True)
        if not deletions.undelete(session, kind, row):
            raise Gone("It is too late: it is being removed for good.")
