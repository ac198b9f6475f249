"""What a request changes is recorded as done by its principal."""

from starlette.types import ASGIApp, Receive, Scope, Send

from store.actors import Actor, acting

LONGEST_ADDRESS = 45


class Acting:
    """ASGI middleware inside of `Authenticated`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = scope.get("state", {}).get("principal")
        address, _ = scope.get("client") or (None, None)
        actor = Actor(principal and principal.id, address and address[:LONGEST_ADDRESS])
        with acting(actor):
            await self._app(scope, receive, send)
