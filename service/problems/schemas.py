"""Types of problems as they appear in JSON."""

from pydantic import BaseModel, Field


class ProblemType(BaseModel):
    type: str = Field(examples=["/problems/name-taken"])
    title: str
    status: int
