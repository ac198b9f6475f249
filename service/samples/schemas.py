"""Sample sheets and logs of trainings as they appear in JSON."""

from pydantic import BaseModel, Field

from service.http.documents import Document


class Sample(Document):
    """A picture that a training drew: photos, their label maps, and what it made of them so far."""

    step: int = Field(description="After how many steps it was drawn.")
    sha256: str
    size_bytes: int


class Samples(BaseModel):
    """The sample sheets of a training, in the order of steps."""

    items: list[Sample]
    next: int | None = Field(
        description="The last step in `items`, to be sent as `after`; null if there are no items."
    )


class LogTail(BaseModel):
    """The end of what a training's processes printed."""

    lines: list[str]
