"""The service's health and readiness as they appear in JSON."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """The result of each check: `ok`, or what is wrong; null unless a key of the settings asks."""

    database: str | None = Field(None, description="Whether a write succeeds, and the schema fits.")
    blobs: str | None = Field(None, description="Whether bytes can be written.")
    broker: str | None = Field(
        None, description="Whether it answers. Without it the service stays ready: jobs are kept and wait."
    )
