"""What proxies say of a request: which client it comes from, and whether over TLS."""

from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from store.settings import Settings


class Forwarded:
    """ASGI middleware: believes `X-Forwarded-For` and `X-Forwarded-Proto` of the trusted proxies alone.

    It notes in the request's state whether the request comes from one, as its own address is then replaced.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = ProxyHeadersMiddleware(app, list(map(str, settings.proxies)))  # type: ignore[arg-type]
        self._proxies = settings.proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["by_proxy"] = self._is_proxy(scope.get("client"))
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _is_proxy(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ip_address(client[0]) if client else None
        except ValueError:
            return False
        return address is not None and any(address in network for network in self._proxies)
