"""Read request bodies: uploads straight to disk, JSON into memory up to a limit."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from service.http.limits import too_large
from service.http.problems import FileTooLarge, Validation
from store.blobs import CHUNK, Incoming
from store.settings import Settings

LARGEST_JSON = 32 * 1024 * 1024


NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character in JSON, which allows it only as this escape."""


class Route(APIRoute):
    """A route that refuses a JSON body that is larger than LARGEST_JSON or holds a NUL character; uploads
    read their body with `receive`."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def checked(request: Request) -> Response:
            return await handle(_Checked(request.scope, _counting(request.receive)))

        return checked


class _Checked(Request):
    async def body(self) -> bytes:
        body = await super().body()
        if NUL.search(body):
            raise Validation("A text in the body holds a NUL character, which no text may: remove it.")
        return body


def _counting(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_JSON:
            raise FileTooLarge(
                f"A JSON body may have at most {LARGEST_JSON:,} bytes: send it in several requests."
            )
        return message

    return counted


async def receive(request: Request, incoming: Incoming, settings: Settings, limit: str, instead: str) -> Path:
    """Stream the body to disk. Raises FileTooLarge at the first byte beyond the setting named by `limit`;
    `instead` says what the client can do."""
    largest = getattr(settings, limit)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > largest:
        raise too_large(settings, limit, instead)
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if incoming.size + len(waiting) > largest:
            raise too_large(settings, limit, instead)
        if len(waiting) >= CHUNK:
            await run_in_threadpool(incoming.write, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(incoming.write, bytes(waiting))
    await run_in_threadpool(incoming.flush)
    return incoming.path
