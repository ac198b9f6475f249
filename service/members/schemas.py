"""Members of pools as they appear in JSON."""

from pydantic import Field

from service.http.documents import Document
from service.http.fields import Body
from store.states import Role

OF_ROLE = Field(
    description="`viewer` reads; `annotator` also annotates and takes assignments; `curator` also changes "
    "what is in the pool, orders work, and gives roles."
)


class Membership(Body):
    """What a principal may do in a pool."""

    role: Role = OF_ROLE


class Member(Document):
    """A principal with a role in a pool."""

    name: str = Field(description="The name of the principal.")
    role: Role = OF_ROLE
