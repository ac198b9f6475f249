"""Addresses at which administrators make and disable users, and users change their passwords."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.access.credentials import PrincipalDep
from service.access.passwords import PasswordsDep
from service.access.roles import ADMIN, ANYONE, require_admin
from service.http.bodies import Route
from service.http.names import SPELLED_AS_KEPT
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import FileTooLarge, Forbidden, InvalidName, NotFound, UserNameTaken
from service.runtime import Service, ServiceDep
from service.users.schemas import NewUser, PasswordChange, User, UserChange
from store import credentials, events, principals, tables
from store.principals import OF_SETTINGS, Principal

router = APIRouter(tags=["users"], route_class=Route)

Name = Annotated[
    str, SPELLED_AS_KEPT, Path(max_length=100, description="The name of a user.", examples=["ana"])
]


@router.get("/me", summary="Who am I?", dependencies=[ANYONE], responses=errors())
def get_me(service: ServiceDep, principal: PrincipalDep) -> User:
    """The user that the key or the cookie of this request belongs to."""
    with service.database.read() as session:
        return User.of(_found(session, principal.name))


@router.post(
    "/users",
    status_code=201,
    summary="Make a user",
    dependencies=[ADMIN],
    responses=errors(InvalidName, UserNameTaken, FileTooLarge),
)
async def create_user(service: ServiceDep, passwords: PasswordsDep, new: NewUser) -> User:
    """They get in with the password, or with a key that is made for them: `POST /keys?user=…`."""
    password_hash = await passwords.hashed(new.password.get_secret_value()) if new.password else None
    return await run_in_threadpool(_add, service, new, password_hash)


@router.get("/users", summary="List users", dependencies=[ADMIN], responses=errors())
def list_users(service: ServiceDep, cursor: Cursor = None, limit: Limit = 100) -> Page[User]:
    """Oldest first, including those that are disabled."""
    with service.database.read() as session:
        rows = principals.page(session, after=cursor, limit=limit + 1)
    page, following = cut(rows, limit)
    return Page(items=[User.of(row) for row in page], next=following)


@router.patch(
    "/users/{user}",
    summary="Disable a user, or make one an administrator",
    dependencies=[ADMIN],
    responses=errors(NotFound, FileTooLarge),
)
def change_user(service: ServiceDep, principal: PrincipalDep, user: Name, change: UserChange) -> User:
    """It counts from the next request on. What a user made stays when they are disabled."""
    if user == principal.name:
        raise Forbidden("Administrators cannot change their own account: ask another one.")
    with service.database.write() as session:
        row = _changeable(session, user)
        if change.admin is not None:
            row.admin = change.admin
        if change.disabled is not None:
            principals.disable(session, row, change.disabled)
        if change.disabled:
            credentials.close_sessions(session, row.id)
        events.add(session, None, "changed", "user", row.id, **change.model_dump(exclude_none=True))
        return User.of(row)


@router.put(
    "/users/{user}/password",
    status_code=204,
    summary="Change a password",
    dependencies=[ANYONE],
    responses=errors(NotFound, FileTooLarge),
)
async def set_password(
    service: ServiceDep, passwords: PasswordsDep, principal: PrincipalDep, user: Name, new: PasswordChange
) -> None:
    """One's own, with the password until now, or as an administrator somebody else's. All browsers in which
    the user is logged in are logged out; keys stay."""
    account = await run_in_threadpool(_account, service, principal, user)
    if user == principal.name and account.password_hash is not None:
        current = new.current.get_secret_value() if new.current else ""
        if not await passwords.is_right(current, account.password_hash):
            raise Forbidden("The password until now is wrong: give it as `current`.")
    password_hash = await passwords.hashed(new.password.get_secret_value())
    await run_in_threadpool(_set_password, service, user, password_hash)


def _add(service: Service, new: NewUser, password_hash: str | None) -> User:
    try:
        with service.database.write() as session:
            if new.name in OF_SETTINGS:
                raise UserNameTaken(f"{new.name} is an account of the settings: take another name.")
            return User.of(principals.add(session, new.name, admin=new.admin, password_hash=password_hash))
    except IntegrityError:
        raise UserNameTaken(f"There is a user named {new.name} already: take another name.") from None


def _account(service: Service, principal: Principal, user: str) -> tables.Principal:
    if user != principal.name:
        require_admin(principal)
    with service.database.read() as session:
        return _changeable(session, user)


def _set_password(service: Service, user: str, password_hash: str) -> None:
    with service.database.write() as session:
        row = _changeable(session, user)
        row.password_hash = password_hash
        credentials.close_sessions(session, row.id)
        events.add(session, None, "changed", "user", row.id, what="password")


def _changeable(session: Session, name: str) -> tables.Principal:
    if name in OF_SETTINGS:
        raise Forbidden(f"The account {name} gets in with a key of the server's settings alone.")
    return _found(session, name)


def _found(session: Session, name: str) -> tables.Principal:
    row = principals.account(session, name)
    if row is None:
        raise NotFound(f"There is no user named {name}: GET /users lists all users.")
    return row
