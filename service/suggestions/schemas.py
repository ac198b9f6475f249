"""Suggestions as they appear in JSON."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class Suggestion(BaseModel):
    """A label map that the program proposes for an image. It is no annotation and counts nowhere.

    `/jobs/{job_id}/output` is the label map, and with `?format=doubt` a grey PNG: 0 where the class is sure,
    255 where it is as good as wrong. Both have the image's size. They are removed after an hour.
    """

    job_id: UUID
    image_id: UUID
    source: Literal["photos", "strokes", "model"] = Field(
        description="What it was learned from: finished photos alone; strokes and, if there are any, "
        "finished photos; or a model made it."
    )
    finished: int = Field(description="How many finished photos it was learned from, the newest ones.")
    model_id: UUID | None
