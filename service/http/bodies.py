"""Read request bodies: uploads straight to disk, JSON into memory up to a limit."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from ijson import JSONError, ObjectBuilder, basic_parse_coro, sendable_list
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.routing import Match
from starlette.types import Message, Receive, Scope

from service.http.limits import too_large
from service.http.problems import FileTooLarge, Validation
from store.blobs import CHUNK, Incoming
from store.settings import Settings

LARGEST_JSON = 32 * 1024 * 1024
LARGEST_OF_STRANGERS = 16 * 1024
"""Of whoever is not known yet: a name and a password."""
SMALL_JSON = 64 * 1024
"""Bytes that are parsed in the event loop; that takes a few milliseconds at most."""
PIECE = 16 * 1024
"""A larger body is parsed by a thread in pieces of so many bytes, between which other threads have a turn."""
OPENING, CLOSING = ("start_map", "start_array"), ("end_map", "end_array")
DEEPEST = 200
"""Arrays and objects inside each other, as deep as the parser of small bodies goes."""
MOST_ERRORS = 100


class Route(APIRoute):
    """A route whose JSON body is limited, holds no NUL character, and stops no other request while it is
    parsed; uploads read their body with `receive`. An address without parameters is never taken for one with:
    `GET /selections/replay` is a method too many, and no selection of the id `replay`.
    """

    without_parameters: ClassVar[set[str]] = set()

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if not self.param_convertors:
            self.without_parameters.add(self.path)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self.param_convertors and path in self.without_parameters:
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model = TypeAdapter[Any](self.body_field.field_info.annotation)  # type: ignore[arg-type]

        async def checked(request: Request) -> Response:
            is_known = getattr(request.state, "principal", None) is not None
            receive = _counting(request.receive, LARGEST_JSON if is_known else LARGEST_OF_STRANGERS)
            return await handle(_JsonRequest(request.scope, receive, model))

        return checked


class _JsonRequest(Request):
    def __init__(self, scope: Scope, receive: Receive, model: TypeAdapter[Any]) -> None:
        super().__init__(scope, receive)
        self._model = model

    async def json(self) -> Any:
        """The body as the parameter of the route, which FastAPI then takes as it is.

        Raises RequestValidationError or Validation.
        """
        body = await self.body()
        if len(body) <= SMALL_JSON:
            return _parsed(body, from_json, self._model)
        return await run_in_threadpool(_parsed, body, _in_pieces, self._model)


def _parsed(body: bytes, parse: Callable[[bytes], Any], model: TypeAdapter[Any]) -> Any:
    if _holds_nul(body):
        raise Validation("A text in the body holds the character U+0000 (NUL), which no text may: remove it.")
    try:
        return model.validate_python(parse(body))
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST_ERRORS]
        raise RequestValidationError([{**entry, "loc": ("body", *entry["loc"])} for entry in found]) from None
    except (ValueError, JSONError) as error:
        raise Validation(f"The body is not valid JSON: {str(error).splitlines()[0]}.") from None


def _in_pieces(body: bytes) -> Any:
    """The document. Raises ValueError or JSONError."""
    events, builder, depth = sendable_list(), ObjectBuilder(), 0
    parser = basic_parse_coro(events, use_float=True)
    for start in range(0, len(body), PIECE):
        parser.send(body[start : start + PIECE])
        for event, value in events:
            depth += (event in OPENING) - (event in CLOSING)
            if depth > DEEPEST:
                raise ValueError(f"more than {DEEPEST} arrays and objects inside each other")
            builder.event(event, value)
        events.clear()
    parser.close()
    return builder.value


def _holds_nul(body: bytes) -> bool:
    """Whether a text in JSON holds a NUL, which it can only as an escape: a backslash that is not escaped
    itself, and `u0000`.
    """
    return b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b"")


def _counting(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise FileTooLarge(f"A JSON body may have at most {most:,} bytes here: send less in one request.")
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
