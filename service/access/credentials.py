"""Finds the principal of each request. Routes get it as a parameter of the type `PrincipalDep`."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Receive, Scope, Send

from service.decoding.queue import client
from service.http import render
from service.runtime import Service
from store import principals
from store.principals import LOCAL, Principal

OPEN = ("/healthz", "/readyz", "/metrics")
"""Addresses that anybody may ask, also while the database does not answer."""


class Authenticated:
    """ASGI middleware: puts the principal into the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] not in OPEN:
            service: Service = scope["app"].state.service
            try:
                principal = await run_in_threadpool(_local, service)
                scope.setdefault("state", {})["principal"] = principal
                client.set(principal.id)
            except (DBAPIError, PoolTimeout) as error:
                app = render.answer(Request(scope), error)
        await app(scope, receive, send)


def _local(service: Service) -> Principal:
    """The principal of this machine."""
    with service.database.read() as session:
        found = principals.named(session, LOCAL)
    if found is None:
        with service.database.write() as session:
            principals.ensure(session, LOCAL, admin=True)
            found = principals.named(session, LOCAL)
    assert found
    return found


async def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


PrincipalDep = Annotated[Principal, Depends(_principal)]
"""Who makes the request."""
