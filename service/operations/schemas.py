"""The service's health and readiness as they appear in JSON."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Setting(BaseModel):
    variable: str = Field(description="The environment variable that sets it.")
    value: bool | int | float | str
    description: str


class Settings(BaseModel):
    """What the server runs with: numbers, switches and names. Addresses, paths and secrets are left out."""

    version: str
    items: list[Setting]


class Readiness(BaseModel):
    """The result of each check: `ok`, or what is wrong; null unless a key of the settings asks."""

    database: str | None = Field(None, description="Whether a write succeeds, and the schema fits.")
    blobs: str | None = Field(None, description="Whether bytes can be written.")
    broker: str | None = Field(
        None, description="Whether it answers. Without it the service stays ready: jobs are kept and wait."
    )
