"""Signed addresses as they appear in JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from service.http.fields import Body

LONGEST_S, DEFAULT_S = 3600, 300


class NewSignature(Body):
    address: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$", max_length=2000)] = Field(
        description="The path and query of a GET, percent-encoded as it will be asked.",
        examples=["/images/019a5b7c-0000-7000-8000-000000000000/thumbnail?size=256"],
    )
    seconds: int = Field(DEFAULT_S, ge=1, le=LONGEST_S, description="How long it is valid.")


class SignedAddress(BaseModel):
    """An address that needs no key."""

    address: str
    expires_at: datetime
