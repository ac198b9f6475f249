"""What is answered about the service itself."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """What was checked, each `ok` or what is wrong."""

    database: str = Field(description="It answers, and its schema is the newest.")
    blobs: str = Field(description="Bytes can be written.")
    broker: str = Field(
        description="Without it the service stays ready: jobs are kept and wait for their bell."
    )
