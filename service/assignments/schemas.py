"""Assignments as they appear in JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.http.documents import Document
from service.http.fields import Body, Id
from service.http.names import UserName
from store.assignments import NamedAssignment
from store.states import AssignmentState

DEFAULT_LEASE_S = 4 * 3600.0

LeaseSeconds = Annotated[
    float,
    Field(
        ge=1,
        le=30 * 24 * 3600,
        allow_inf_nan=False,
        description="How long the annotator keeps the images unless the lease is renewed, in seconds.",
    ),
]


class NewAssignments(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 5}]})

    count: int = Field(1, ge=1, le=1000, description="How many images you want to hold.")
    lease_s: LeaseSeconds = DEFAULT_LEASE_S
    annotator: UserName | None = Field(
        None, description="For curators: who gets them, a member of the pool. Left out: whoever asks."
    )
    selection_id: Id | None = Field(
        None,
        description="The selection whose picks are handed out; null for the newest one of train images.",
    )


class Renewal(Body):
    lease_s: LeaseSeconds = DEFAULT_LEASE_S


class Assignment(Document):
    """An image that one annotator holds."""

    id: UUID
    pool_id: UUID
    selection_id: UUID
    image_id: UUID
    name: str = Field(description="Name of the image; its bytes are at `/images/{image_id}/content`.")
    rank: int = Field(description="Rank of the image among the selection's picks.")
    annotator: str = Field(description="Who holds it: the name of a user.")
    state: AssignmentState = Field(
        description="`open`: nobody else gets the image; the other states say how the assignment ended."
    )
    created_at: datetime
    lease_expires_at: datetime = Field(description="After this time others can have the image.")
    ended_at: datetime | None

    @classmethod
    def of(cls, found: NamedAssignment) -> "Assignment":
        return cls.of_row(found.assignment, name=found.name, state=found.state)


class Assignments(BaseModel):
    """All images that an annotator holds now."""

    items: list[Assignment]
    selection_id: UUID = Field(description="The selection whose picks were handed out.")
    free: int = Field(description="The number of its picks that are neither held nor annotated.")
