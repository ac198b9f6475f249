"""Events as they appear in JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from service.http.documents import Document
from store.events import Action, Kind


class Event(Document):
    """Something that was done to a pool: an action that can be taken back, or its taking back."""

    id: UUID
    pool_id: UUID
    action: Action
    kind: Kind = Field(description="What was acted on.")
    subject_id: UUID = Field(description="Its id; for an annotation, the id of its image.")
    details: dict[str, Any] = Field(description='What was changed, for example `{"revision": 2}`.')
    principal_id: UUID | None = Field(description="Who did it; null if that is not known.")
    created_at: datetime
