"""Addresses that make, list and revoke keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.roles import ANYONE
from service.http.bodies import Route
from service.http.names import SPELLED_AS_KEPT
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import FileTooLarge, Forbidden, InvalidName, NotFound
from service.keys.schemas import Key, MadeKey, NewKey
from service.runtime import ServiceDep
from store import credentials, principals
from store.principals import Principal

router = APIRouter(tags=["keys"], route_class=Route)

DAY_S = 24 * 3600.0
USER = Query(max_length=100, description="An administrator may name another user here; otherwise: who asks.")
User = Annotated[Annotated[str, SPELLED_AS_KEPT] | None, USER]


@router.post(
    "/keys",
    status_code=201,
    summary="Make a key",
    dependencies=[ANYONE],
    responses=errors(NotFound, InvalidName, FileTooLarge),
)
def create_key(
    service: ServiceDep, principal: PrincipalDep, response: Response, new: NewKey, user: User = None
) -> MadeKey:
    """A program that shows the key, `Authorization: Bearer KEY`, does what its user may do. The answer is the
    only one that has the key's text."""
    response.headers["Cache-Control"] = "no-store"
    lifetime_s = None if new.expires_in_days is None else new.expires_in_days * DAY_S
    with service.database.write() as session:
        holder = _of(session, principal, user)
        row, text = credentials.add_key(session, holder, new.label, lifetime_s)
        return MadeKey.of_row(row, key=text)


@router.get("/keys", summary="List keys", dependencies=[ANYONE], responses=errors(NotFound))
def list_keys(
    service: ServiceDep,
    principal: PrincipalDep,
    user: User = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Key]:
    """Newest first, including those that are not valid any more."""
    with service.database.read() as session:
        holder = _of(session, principal, user)
        rows = credentials.keys(session, holder, before=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[Key.of_row(row) for row in page], next=following)


@router.delete("/keys/{key_id}", summary="Revoke a key", dependencies=[ANYONE], responses=errors(NotFound))
def revoke_key(service: ServiceDep, principal: PrincipalDep, key_id: UUID) -> Key:
    """The key is not valid any more, from the next request on. Revoking it again changes nothing."""
    with service.database.write() as session:
        row = credentials.key(session, key_id)
        if row is None or not (principal.admin or row.principal_id == principal.id):
            raise NotFound(f"You have no key {key_id}: GET /keys lists yours.")
        credentials.revoke(session, row)
        return Key.of_row(row)


def _of(session: Session, principal: Principal, user: str | None) -> UUID:
    """Whose keys a request is about. Raises Forbidden or NotFound."""
    if user is None or user == principal.name:
        return principal.id
    if not principal.admin:
        raise Forbidden("Only an administrator may name another user: leave `user` out for keys of your own.")
    account = principals.account(session, user)
    if account is None:
        raise NotFound(f"There is no user named {user}: GET /users lists all users.")
    return account.id
