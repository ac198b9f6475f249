"""Assignments as they appear in JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from service.http.names import checked
from store.assignments import NamedAssignment
from store.states import AssignmentState

LONGEST_ANNOTATOR = 100
DEFAULT_LEASE_S = 4 * 3600.0

Annotator = Annotated[
    str,
    AfterValidator(lambda name: checked(name, LONGEST_ANNOTATOR)),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": LONGEST_ANNOTATOR}
        | {"pattern": r"^[^/\\\x00-\x1f\x7f]+$", "examples": ["ana"]}
    ),
]
LeaseSeconds = Annotated[
    float,
    Field(
        ge=1,
        le=30 * 24 * 3600,
        allow_inf_nan=False,
        description="How long the images stay in this hand unless the lease is renewed, in seconds.",
    ),
]


class NewAssignments(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"annotator": "ana", "count": 5}]}
    )

    annotator: Annotator = Field(description="Who will draw the label maps: any name, always the same one.")
    count: int = Field(1, ge=1, le=1000, description="How many images the annotator wants to have in hand.")
    lease_s: LeaseSeconds = DEFAULT_LEASE_S
    selection_id: UUID | None = Field(
        None, description="Whose picks to hand out; null: those of the newest of train images."
    )


class Renewal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease_s: LeaseSeconds = DEFAULT_LEASE_S


class Assignment(BaseModel):
    """An image in one annotator's hands."""

    id: UUID
    pool_id: UUID
    selection_id: UUID
    image_id: UUID
    name: str = Field(description="Of the image; its bytes are at `/images/{image_id}/content`.")
    rank: int = Field(description="Of the image among the selection's picks.")
    annotator: str
    state: AssignmentState = Field(
        description="`open`: nobody else gets the image; the others say how that ended."
    )
    created_at: datetime
    lease_expires_at: datetime = Field(description="Others can have the image after this.")
    ended_at: datetime | None

    @classmethod
    def of(cls, found: NamedAssignment) -> "Assignment":
        fields = cls.model_fields.keys() - {"name", "state"}
        values = {name: getattr(found.assignment, name) for name in fields}
        return cls(**values, name=found.name, state=found.state)


class Assignments(BaseModel):
    """What an annotator holds now."""

    items: list[Assignment]
    selection_id: UUID = Field(description="The selection that was handed out from.")
    free: int = Field(description="Its picks that nobody holds and nobody has annotated yet.")
