"""What whoever asks must be allowed to do. Every route declares it: `dependencies=[CURATOR]`.

The first id in the path says which pool a request is about. What is in a pool that one is no member of is
answered with 404, in the words for what does not exist; what one may see but not do is answered with 403.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args
from uuid import UUID

from fastapi import Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.standing import Standing, stand
from service.http.problems import Forbidden
from service.lookups import WHERE, missing
from service.runtime import Service, ServiceDep
from store import memberships
from store.principals import Principal
from store.states import ROLES, Role

Need = Literal["anyone", "viewer", "annotator", "curator", "admin"]
"""`anyone` is every principal. An administrator may do everything, and is the only one in no pool's role."""

ID = TypeAdapter(UUID)


class Checked(SecurityBase):
    """Refuses requests of principals who may not make them; its scope is the need.

    In the OpenAPI document it is the security requirement of an operation, with the role.
    """

    model = HTTPBearer(description="A key: `Authorization: Bearer KEY`. Browsers send a cookie instead.")
    scheme_name = "key"

    async def __call__(
        self, scopes: SecurityScopes, request: Request, service: ServiceDep, principal: PrincipalDep
    ) -> None:
        [need] = scopes.scopes
        named = _named(request)

        def may(asking: Principal, pool_id: UUID | None = None) -> None:
            if named:
                require(service, asking, need, *(("pool", pool_id) if pool_id else named))
            elif need == "admin":
                require_admin(asking)

        if named or need == "admin":
            await run_in_threadpool(may, principal)
        stand(Standing(request, request.state.who, may, need, named))


def _declared(need: Need) -> Any:
    return Security(Checked(), scopes=[need])


ANYONE, VIEWER, ANNOTATOR, CURATOR, ADMIN = (_declared(need) for need in get_args(Need))


def require(service: Service, principal: Principal, need: str, kind: str, id: UUID) -> None:
    """Raise NotFound or Forbidden unless the principal may do this in the pool of what has the id."""
    if principal.admin:
        return
    with service.database.read() as session:
        role = memberships.role_over(session, principal.id, kind, id)
    if role is None:
        raise missing(kind, id)
    if need == "admin":
        require_admin(principal)
    if need in ROLES and ROLES.index(role) < ROLES.index(need):
        raise Forbidden(
            f"This needs the role {need} in the pool, and yours is {role}: ask a curator of the pool for it.",
            needs=need,
        )


def require_admin(principal: Principal) -> None:
    if not principal.admin:
        raise Forbidden("Only an administrator may do this: ask one.", needs="admin")


def whose(principal: Principal) -> UUID | None:
    """Whose pools a list shows. None: everybody's."""
    return None if principal.admin else principal.id


def roles_of(session: Session, principal: Principal, pool_ids: Sequence[UUID]) -> dict[UUID, Role]:
    """What the principal may do in each of these pools, which it may see."""
    if principal.admin:
        return dict.fromkeys(pool_ids, "curator")
    return dict.fromkeys(pool_ids, ROLES[0]) | memberships.roles(session, principal.id, pool_ids)


def _named(request: Request) -> tuple[str, UUID] | None:
    """The kind and id of what the path names first. An id that is none is refused after this check."""
    for parameter, value in request.path_params.items():
        kind = parameter.removesuffix("_id")
        if kind != parameter and kind in WHERE:
            try:
                return kind, ID.validate_python(value)
            except ValidationError:
                return None
    return None
