"""Webhooks and deliveries as they appear in JSON."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.http.documents import Document
from service.http.fields import Body
from service.jobs.schemas import JobError
from store import tables
from store.states import JobState
from store.webhooks import EventType

LONGEST_URL = 1000


def _receiver(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("give an address as https://HOST/PATH")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("give an address without a user, a password and a fragment")
    return url


Url = Annotated[
    str, StringConstraints(max_length=LONGEST_URL, pattern=r"^https?://[!-~]+$"), AfterValidator(_receiver)
]


class NewWebhook(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://example.org/fewpairs"}]})

    url: Url = Field(description="Where messages are sent, with POST.")
    types: list[EventType] = Field(
        ["job.ended", "annotation.made", "selection.made"],
        min_length=1,
        max_length=10,
        description="What it is told. Annotations of an import are not told one by one: its job ends.",
    )


class Webhook(Document):
    """An address that is told what happens in a pool."""

    id: UUID
    pool_id: UUID
    url: str
    types: list[EventType]
    created_at: datetime


class CreatedWebhook(Webhook):
    """A new webhook, with its secret, which is not shown again."""

    secret: str = Field(
        description="The key of the signatures, as in the Standard Webhooks specification: give it to the "
        "receiver."
    )


class Delivery(BaseModel):
    """A message, and what became of it."""

    id: UUID = Field(description="The message's id, the same in each attempt: `Webhook-Id`.")
    message: dict[str, Any] = Field(description="What is sent: `type`, `timestamp` and `data`.")
    state: JobState
    attempts: int
    status: int | None = Field(description="The status with which the receiver took it.")
    error: JobError | None = Field(description="Why the last attempt failed.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="When it is tried next, if it is.")
    finished_at: datetime | None

    @classmethod
    def of(cls, job: tables.Job) -> "Delivery":
        return cls(
            id=job.id,
            message=job.spec["message"],
            state=job.state,
            attempts=job.attempt,
            status=(job.result or {}).get("status"),
            error=JobError.model_validate(job.error) if job.error else None,
            created_at=job.created_at,
            next_attempt_at=job.ring_at if job.state == "queued" else None,
            finished_at=job.finished_at,
        )
