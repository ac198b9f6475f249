"""Keys as they appear in JSON."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from service.http.documents import Document
from service.http.fields import Body
from service.http.names import Label


class NewKey(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"label": "the lab's server", "expires_in_days": 90}]}
    )

    label: Label = Field(description="What the key is for.")
    expires_in_days: float | None = Field(
        None,
        gt=0,
        le=3650,
        allow_inf_nan=False,
        description="Days after which it is not valid any more; null: never.",
    )


class Key(Document):
    """A key, without its text."""

    id: UUID
    principal_id: UUID = Field(description="Who uses the service with it.")
    prefix: str = Field(description="How the key begins.", examples=["fp_1a2b3c4d"])
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = Field(description="Since when it is not valid any more.")
    last_used_at: datetime | None = Field(description="When it was last used, to the minute.")


class MadeKey(Key):
    """A key that was just made."""

    key: str = Field(description="Its text, shown this once: the service keeps only a digest of it.")
