"""Events as they appear in JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from service.http.documents import Document
from store.events import Action, Kind, Named


class Event(Document):
    """Something that was done."""

    id: UUID
    pool_id: UUID | None = Field(description="Null: it concerns no pool.")
    action: Action
    kind: Kind = Field(description="What was acted on.")
    subject_id: UUID = Field(
        description="Its id. For an annotation it is the id of its image; for several things, that of what "
        "they are in, and `details` has theirs."
    )
    details: dict[str, Any] = Field(description='What was changed, for example `{"revision": 2}`.')
    principal_id: UUID | None = Field(
        description="Who did it; null if that is not known, or if the program did it by itself."
    )
    principal: str | None = Field(description="The name of this principal.")
    created_at: datetime

    @classmethod
    def of(cls, named: Named) -> "Event":
        return cls.of_row(named.event, principal=named.principal)


class AuditEvent(Event):
    """Something that was done, and from where."""

    address: str | None = Field(description="The network address that the request came from.")

    @classmethod
    def of(cls, named: Named) -> "AuditEvent":
        return cls.of_row(named.event, principal=named.principal)
