"""Answer with stored bytes: with a type that the server chose, an ETag, and nothing a browser runs."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service.http.palettes import HEADER_BYTES, Palette
from service.http.problems import RangeNotSatisfiable
from store.blobs import CHUNK, Blobs

FILE = {"type": "string", "format": "binary"}
"""The schema of a file in the OpenAPI document."""
ONE_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")

INERT = {"Content-Security-Policy": "default-src 'none'; sandbox"}


def body(schemas: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself; `schemas` are by media type."""
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}


BINARY = body({"application/octet-stream": FILE})
"""The `openapi_extra` of a route whose body is a file; its Content-Type is ignored."""


def fresh(tag: str) -> dict[str, str]:
    """Headers of content that never changes."""
    return {
        "ETag": f'"{tag}"',
        "Cache-Control": "private, max-age=31536000, immutable",
    }


def changing(tag: str) -> dict[str, str]:
    """Headers of content that may change later."""
    return {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}


def not_modified(request: Request, headers: dict[str, str]) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return headers["ETag"] in tags or "*" in tags


def blob_response(
    blobs: Blobs,
    request: Request,
    sha256: str,
    size: int,
    media_type: str,
    headers: dict[str, str] | None = None,
    palette: Palette | None = None,
) -> Response:
    """Stream the blob or the part that `Range` asks for, or answer 304. Without `headers`, the content counts
    as never changing. Raises RangeNotSatisfiable.

    With `palette`, a grey PNG is sent in its colours, which may change, and always as a whole.
    """
    headers = headers or (changing(f"{sha256}-{palette.tag}") if palette else fresh(sha256))
    if not_modified(request, headers):
        return Response(status_code=304, headers=headers)
    file = blobs.open(sha256)
    if palette is None:
        return range_response(request, file, size, media_type, headers)
    start = file.read(HEADER_BYTES)
    shown = palette.put_into(start)
    length = {"Content-Length": str(size + len(shown) - len(start))}
    return _FileResponse(file, _chunks(file, size, shown), 200, {**INERT, **headers, **length}, media_type)


def range_response(
    request: Request, file: BinaryIO, size: int, media_type: str, headers: dict[str, str]
) -> Response:
    """Stream a file, or the one range of bytes that `Range` asks for. Raises RangeNotSatisfiable.

    Several ranges, and a range of another file than that of `If-Range`, are answered with the whole file.
    """
    headers = {**INERT, **headers, "Accept-Ranges": "bytes"}
    if not_modified(request, headers):
        file.close()
        return Response(status_code=304, headers=headers)
    asked = ONE_RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        headers["Content-Length"] = str(size)
        return _FileResponse(file, _chunks(file, size), 200, headers, media_type)
    start, stop = _bytes_asked_for(asked, size)
    if start >= stop:
        file.close()
        problem = RangeNotSatisfiable(f"The file has {size} bytes: ask for some of them.")
        raise problem.with_headers(Content_Range=f"bytes */{size}")
    file.seek(start)
    headers |= {
        "Content-Length": str(stop - start),
        "Content-Range": f"bytes {start}-{stop - 1}/{size}",
    }
    return _FileResponse(file, _chunks(file, stop - start), 206, headers, media_type)


def _bytes_asked_for(asked: re.Match[str], size: int) -> tuple[int, int]:
    """The first byte, and the one after the last."""
    first, last, of_the_end = asked.groups()
    if of_the_end:
        return max(0, size - int(of_the_end)), size
    return int(first), min(int(last) + 1, size) if last else size


def _chunks(file: BinaryIO, left: int, start: bytes = b"") -> Iterator[bytes]:
    """`start`, then at most `left` bytes from where the file stands."""
    if start:
        yield start
    while left and (chunk := file.read(min(left, CHUNK))):
        left -= len(chunk)
        yield chunk


class _FileResponse(StreamingResponse):
    """Closes the file, also if the client goes away before its end."""

    def __init__(self, file: BinaryIO, content: Iterator[bytes], *args: Any) -> None:
        super().__init__(content, *args)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)
