"""Finds the principal of each request. Routes get it as a parameter of the type `PrincipalDep`.

A program shows a key, `Authorization: Bearer …`; a browser shows the cookie of a session, or
a proxy in front of the service has logged its user in.
"""

import re
import time
from collections.abc import Iterator
from functools import partial
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.cookies import cookie_of
from service.access.proxied import named_by_proxy, user_of_proxy
from service.decoding.queue import client
from service.http import render
from service.http.browsers import SAFE
from service.http.openapi import ASSETS
from service.http.problems import ForeignSite, Unauthenticated
from service.http.signatures import Signature, readable_everywhere, signature_of
from service.runtime import Service
from store import credentials
from store.principals import ADMIN, LOCAL, Principal
from store.settings import Settings

log = structlog.get_logger()

OPEN = re.compile(rf"/|/app(/.*)?|/assets/.*|/healthz|/session|/problems(/.*)?|{ASSETS}/.*")
"""Addresses that anybody may ask. They tell nothing of what is kept here."""
READY = "/readyz"
"""Anybody may ask it; who has a key of the settings is told more. It never asks the database who that is."""
METRICS = "/metrics"
"""The one address that the key of the setting FEWPAIRS_METRICS_KEY opens; nobody is then its principal."""
BEARER = re.compile(r"bearer +([!-~]{1,200})", re.IGNORECASE)


class Authenticated:
    """ASGI middleware: puts the principal into the request's state, or refuses the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or OPEN.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        request, app, used = Request(scope), self._app, None
        if signature := signature_of(scope):
            scope["query_string"] = signature.query.encode("latin-1")
            send = readable_everywhere(send)
        request.state.principal = principal = None if signature else _of_settings(request)
        request.state.signed_with = signature and signature.key
        request.state.who = partial(_asking_still, request, signature)
        if principal is None and not _is_open(request):
            try:
                principal, used = await run_in_threadpool(_asking, request, signature)
                request.state.principal = principal
            except Exception as error:
                app = await render.answer(request, error)
        client.set(principal.id if principal else None)
        try:
            await app(scope, receive, send)
        finally:
            del request.state.who  # it holds the request, which would wait for Python to look for cycles
        if used:
            await run_in_threadpool(_note_use, scope["app"].state.service, used)


def _of_settings(request: Request) -> Principal | None:
    """Who asks with a key of the settings, which is known without the database."""
    for name, secret in _keys_of_settings(request):
        if _shows(request, secret):
            principal: Principal = request.app.state.of_settings[name]
            return principal
    return None


def _keys_of_settings(request: Request) -> Iterator[tuple[str, str]]:
    """The keys, each after the name of its principal."""
    settings: Settings = request.app.state.service.settings
    yield LOCAL, settings.local_token
    yield ADMIN, settings.admin_key


def shown_key(request: Request) -> tuple[str, str] | None:
    """The key that a request showed, after what it is found by: its prefix, or the name of its principal if
    it is of the settings. None: another credential let the request in.
    """
    shown = BEARER.fullmatch(request.headers.get("authorization", ""))
    if shown is None:
        return None
    of_settings = (name for name, secret in _keys_of_settings(request) if _shows(request, secret))
    return next(of_settings, shown[1][: credentials.PREFIX_LENGTH]), shown[1]


def _is_open(request: Request) -> bool:
    """Whether the request is answered although its principal is not known."""
    settings: Settings = request.app.state.service.settings
    path = request.url.path
    return path == READY or (path == METRICS and _shows(request, settings.metrics_key))


def _shows(request: Request, secret: str) -> bool:
    """Whether the request has this key of the settings, if there is one."""
    shown = BEARER.fullmatch(request.headers.get("authorization", ""))
    return shown is not None and secret != "" and credentials.same(shown[1], secret)


def _asking(request: Request, signature: Signature | None) -> tuple[Principal, UUID | None]:
    """Who asks, and the id of a key whose use is to be written down. Raises Unauthenticated, or ForeignSite
    if a browser may have been made to ask. Beside a signature nothing else counts, because other sites may
    ask signed addresses.
    """
    service: Service = request.app.state.service
    if signature:
        return _with_signature(request, service, signature), None
    header = request.headers.get("authorization", "")
    if shown := BEARER.fullmatch(header):
        return _with_key(service, shown[1])
    if name := named_by_proxy(request):
        _require_own_page(request)
        return user_of_proxy(service, name), None
    if header:
        raise _unauthenticated("The header Authorization is not understood: send `Bearer` and a key.")
    if cookie := cookie_of(request):
        _require_own_page(request)
        return _with_cookie(service, cookie), None
    raise _unauthenticated(
        "Say who asks: with the header `Authorization: Bearer KEY`, or in a browser by logging in. "
        "`fewpairs login` and FEWPAIRS_API_KEY give the command line its key."
    )


def _asking_still(request: Request, signature: Signature | None) -> Principal:
    """Who asks, while the request is being answered. A signature may have ended meanwhile, but not its key.
    Raises Unauthenticated.
    """
    service: Service = request.app.state.service
    if signature is None:
        return _of_settings(request) or _asking(request, None)[0]
    principal: Principal | None = request.app.state.of_settings.get(signature.key)
    with service.database.read() as session:
        found = credentials.beginning(session, signature.key)
    if principal:
        return principal
    if found:
        return found[0].principal
    raise _unauthenticated("The key with which this address was signed is not valid any more.")


def _with_key(service: Service, key: str) -> tuple[Principal, UUID | None]:
    with service.database.read() as session:
        if holder := credentials.holder(session, key):
            return holder.principal, None if holder.is_use_noted else holder.key_id
    raise _unauthenticated("This key is not valid: it never was, has expired or was revoked.")


def _with_signature(request: Request, service: Service, signature: Signature) -> Principal:
    principal: Principal | None = request.app.state.of_settings.get(signature.key)
    digest = credentials.digest_of(dict(_keys_of_settings(request)).get(signature.key, ""))
    if principal is None:
        with service.database.read() as session:
            if found := credentials.beginning(session, signature.key):
                principal, digest = found[0].principal, found[1]
    if principal and signature.expires > time.time() and signature.is_made_with(digest):
        return principal
    raise _unauthenticated("The signature of this address is not valid, or not any more: sign it again.")


def _require_own_page(request: Request) -> None:
    """Raise ForeignSite unless a browser says from which page it asks for a change: `Guarded` has refused the
    pages of other sites.
    """
    if request.method not in SAFE and not {"sec-fetch-site", "origin"}.intersection(request.headers):
        raise ForeignSite(
            "A browser says from which page it asks, and this request does not: send a key instead of a "
            "cookie."
        )


def _with_cookie(service: Service, cookie: str) -> Principal:
    with service.database.read() as session:
        if principal := credentials.logged_in(session, cookie):
            return principal
    raise _unauthenticated("This browser is not logged in any more: log in again.")


def _unauthenticated(detail: str) -> Exception:
    return Unauthenticated(detail).with_headers(WWW_Authenticate="Bearer")


def _note_use(service: Service, key_id: UUID) -> None:
    """Write down that a key was used. The answer has been sent, so a failure is only logged."""
    try:
        with service.database.write() as session:
            credentials.note_use(session, key_id)
    except SQLAlchemyError as error:
        log.warning("key.use_not_noted", error=str(error))


async def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


PrincipalDep = Annotated[Principal, Depends(_principal)]
"""Who makes the request."""
