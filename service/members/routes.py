"""Addresses that say who may do what in a pool."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from sqlalchemy.orm import Session

from service.access.roles import CURATOR, VIEWER
from service.http.bodies import Route
from service.http.names import SPELLED_AS_KEPT
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import FileTooLarge, NotFound
from service.lookups import found_pool
from service.members.schemas import Member, Membership
from service.runtime import ServiceDep
from store import events, memberships, principals
from store.principals import Principal

router = APIRouter(tags=["members"], route_class=Route)

PrincipalName = Annotated[
    str, SPELLED_AS_KEPT, Path(max_length=100, description="The name of a principal.", examples=["ana"])
]


@router.get(
    "/pools/{pool_id}/members",
    summary="List who works in a pool",
    dependencies=[VIEWER],
    responses=errors(NotFound),
)
def list_roles(service: ServiceDep, pool_id: UUID, cursor: Cursor = None, limit: Limit = 100) -> Page[Member]:
    """The principals with a role in the pool. Administrators may do everything and are listed only if they
    have a role too."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        rows = memberships.page(session, pool_id, after=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[Member.model_validate(row) for row in page], next=following)


@router.put(
    "/pools/{pool_id}/members/{principal}",
    summary="Give somebody a role in a pool",
    dependencies=[CURATOR],
    responses=errors(NotFound, FileTooLarge),
)
def give_role(service: ServiceDep, pool_id: UUID, principal: PrincipalName, new: Membership) -> Member:
    """It takes the place of an earlier role, and counts from the next request on."""
    with service.database.write() as session:
        found_pool(session, pool_id)
        member = _found(session, principal)
        memberships.put(session, pool_id, member.id, new.role)
        events.add(session, pool_id, "added", "member", member.id, role=new.role)
    return Member(name=principal, role=new.role)


@router.delete(
    "/pools/{pool_id}/members/{principal}",
    summary="Take somebody's role in a pool away",
    status_code=204,
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def take_role_away(service: ServiceDep, pool_id: UUID, principal: PrincipalName) -> None:
    """The pool does not exist for them any more. What they made stays. Repeating the request is safe."""
    with service.database.write() as session:
        found_pool(session, pool_id)
        member = _found(session, principal)
        memberships.remove(session, pool_id, member.id)
        events.add(session, pool_id, "deleted", "member", member.id)


def _found(session: Session, name: str) -> Principal:
    found = principals.named(session, name)
    if found is None:
        raise NotFound(f"There is no principal named {name}: an administrator makes principals.")
    return found
