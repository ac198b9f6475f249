"""How much of the service one principal may use at a time, so that others have their share."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.browsers import SAFE
from service.http.problems import RequestTimeout, TooManyRequests
from service.http.render import render

AT_A_TIME = 16
"""Requests of one principal that only read, and as many that write: together fewer than there are threads."""
IN_LINE = 500
"""Further requests of a principal, of either kind, that wait for these."""
LONGEST_IN_LINE_S = 30.0
STREAMS = 1000
"""Streams of events of one principal. They hold no thread."""

PATIENCE_S = 30.0
"""The longest silence of a client that sends a body, and what a slow one may take beside its bytes."""
SLOWEST = 1024
"""Bytes a second."""

STREAM = re.compile(r"/jobs/[^/]+/events|/pools/[^/]+/events/stream")


class Limited:
    """ASGI middleware: lets each principal have some requests at a time, and lets no body take for ever."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reads: dict[UUID, Gate] = defaultdict(Gate)
        self._writes: dict[UUID, Gate] = defaultdict(Gate)
        self._streams: dict[UUID, int] = defaultdict(int)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        principal, patient = scope.get("state", {}).get("principal"), _patient(receive)
        if principal is None:
            await self._app(scope, patient, send)
            return
        try:
            async with self._place(principal.id, scope):
                await self._app(scope, patient, send)
        except TooManyRequests as refusal:
            await render(Request(scope), refusal)(scope, receive, send)

    @asynccontextmanager
    async def _place(self, principal: UUID, scope: Scope) -> AsyncIterator[None]:
        if STREAM.fullmatch(scope["path"]):
            if self._streams[principal] >= STREAMS:
                raise TooManyRequests(f"You follow {STREAMS:,} jobs and pools already: end a stream first.")
            self._streams[principal] += 1
            try:
                yield
            finally:
                self._streams[principal] -= 1
        else:
            gates = self._reads if scope["method"] in SAFE else self._writes
            async with gates[principal].place():
                yield


class Gate:
    """Lets AT_A_TIME requests through; others wait in line."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._in_line = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and have it in the block. Raises TooManyRequests."""
        if self._in_line >= IN_LINE:
            raise TooManyRequests(f"{IN_LINE} requests of yours wait already: send this one again later.")
        self._in_line += 1
        try:
            async with asyncio.timeout(LONGEST_IN_LINE_S):
                await self._places.acquire()
        except TimeoutError:
            raise TooManyRequests(
                f"{AT_A_TIME} requests of yours are under way and do not end: wait for them, then send this "
                "one again."
            ) from None
        finally:
            self._in_line -= 1
        try:
            yield
        finally:
            self._places.release()


def _patient(receive: Receive) -> Receive:
    """Receive the body, as long as it arrives at a bearable speed. Raises RequestTimeout."""
    waited, received, is_whole = 0.0, 0, False

    async def patiently() -> Message:
        nonlocal waited, received, is_whole
        if is_whole:
            return await receive()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(min(PATIENCE_S, PATIENCE_S + received / SLOWEST - waited)):
                message = await receive()
        except TimeoutError:
            raise RequestTimeout(
                "The body did not arrive: nothing of it was kept. Send the request again."
            ).with_headers(Connection="close") from None
        waited += clock() - began
        received += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message

    return patiently
