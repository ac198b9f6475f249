"""Addresses at which a browser logs in and out."""

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from service.access.cookies import cookie_of, delete_cookie, set_cookie
from service.access.passwords import PasswordsDep
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import FileTooLarge, InvalidName, TooManyAttempts, Unauthenticated
from service.runtime import Service, ServiceDep
from service.sessions.schemas import Login
from service.users.schemas import User
from store import actors, credentials, events, principals, tables
from store.actors import acting
from store.events import Action
from store.principals import LOCAL

router = APIRouter(tags=["users"], route_class=Route)


@router.post(
    "/session",
    summary="Log in",
    responses=errors(InvalidName, TooManyAttempts, FileTooLarge),
)
async def log_in(
    service: ServiceDep, passwords: PasswordsDep, request: Request, response: Response, login: Login
) -> User:
    """The browser gets a cookie, which is valid for 30 days. Programs use a key instead."""
    key = (login.name, request.client and request.client.host)
    passwords.attempts.begin(key)
    account = await run_in_threadpool(_account, service, login.name)
    hash = account.password_hash if account and account.disabled_at is None else None
    if not await passwords.is_right(login.password.get_secret_value(), hash) or account is None:
        raise Unauthenticated("The name or the password is wrong.").with_headers(WWW_Authenticate="Bearer")
    passwords.attempts.succeeded(key)
    set_cookie(request, response, await run_in_threadpool(_opened, service, account))
    return User.of(account)


@router.delete("/session", status_code=204, summary="Log out", responses=errors())
def log_out(service: ServiceDep, request: Request) -> Response:
    """The browser's cookie is not valid any more."""
    if cookie := cookie_of(request):
        with service.database.write() as session:
            if user := credentials.logged_in(session, cookie):
                _note(session, "logged_out", user.id)
            credentials.close_session(session, cookie)
    response = Response(status_code=204)
    delete_cookie(request, response)
    return response


@router.get(
    "/session",
    status_code=303,
    summary="Log in from the command line",
    response_class=RedirectResponse,
    responses={303: {"description": "To the pages, with a cookie if the token is right."}, **errors()},
)
async def log_in_with_token(service: ServiceDep, request: Request, token: str) -> Response:
    """`fewpairs up` opens this address with its token, which the browser's cookie replaces at once."""
    answer = RedirectResponse("./", 303)
    local_token = service.settings.local_token
    if local_token and credentials.same(token, local_token):
        local = await run_in_threadpool(_account, service, LOCAL)
        assert local
        set_cookie(request, answer, await run_in_threadpool(_opened, service, local))
    return answer


def _account(service: Service, name: str) -> tables.Principal | None:
    with service.database.read() as session:
        return principals.account(session, name)


def _opened(service: Service, account: tables.Principal) -> str:
    with service.database.write() as session:
        _note(session, "logged_in", account.id)
        return credentials.open_session(session, account.id)


def _note(session: Session, action: Action, user_id: UUID) -> None:
    """Record an act of a user whom only the body or the cookie names."""
    with acting(replace(actors.current(), principal_id=user_id)):
        events.add(session, None, action, "user", user_id)
