"""What other web pages may do to this service through the browser of somebody who uses it: nothing."""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http import problems
from service.http.problems import Problem
from service.http.render import render
from service.http.signatures import signature_of
from store.settings import Settings, variable

SAFE = ("GET", "HEAD", "OPTIONS")
FOREIGN = ("cross-site", "same-site")
"""Values of Sec-Fetch-Site. Another port of this machine is of the same site, and another program."""

MAKING = re.compile(r"/pools/[^/]+/select")
"""What a GET of it makes is the newest selection for later requests: no link of another site leads here."""


class Guarded:
    """ASGI middleware: refuses requests that another site made.

    A request under a host name that is not this server's comes from a page whose own name was pointed at this
    machine (DNS rebinding); `/healthz` answers any.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        app = self._app if refusal is None else render(Request(scope), refusal)
        await app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if scope["path"] != "/healthz" and not self._is_ours(host):
            return problems.HostNotAllowed(
                f"This service does not answer as {_hostname(host) or 'a nameless host'}: use the address "
                f"that it was started with, or add the name to {variable('allowed_hosts')} on the server."
            )
        if signature_of(scope) is None and _is_foreign(scope, headers, host):
            return problems.ForeignSite(
                "A page of another site made this request: open this service in a tab of its own, or call it "
                "from a program."
            )
        if "transfer-encoding" in headers and "content-length" in headers:
            both = "The request says in two ways how long its body is: leave one of the headers out."
            return problems.BadRequest(both).with_headers(Connection="close")
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return problems.BadRequest("The address holds a NUL character, which no name has: remove it.")
        return None

    def _is_ours(self, host: str) -> bool:
        return "*" in self._hosts or _hostname(host) in self._hosts


def _hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_foreign(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a page of another site made the request. Following a link to this service is allowed."""
    site = headers.get("sec-fetch-site")
    if scope["method"] in SAFE:
        is_link = headers.get("sec-fetch-mode") == "navigate" and not MAKING.fullmatch(scope["path"])
        return site in FOREIGN and not is_link
    if site is None:  # a program, or an old browser, which names its page's origin
        origin = headers.get("origin")
        return origin is not None and urlsplit(origin).netloc != host
    return site in FOREIGN
