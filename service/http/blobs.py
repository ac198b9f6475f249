"""Answer with stored bytes: with a type that the server chose, an ETag, and nothing a browser runs."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from service.http.palettes import HEADER_BYTES, Palette
from service.http.problems import RangeNotSatisfiable
from store.blobs import CHUNK, Blobs

FILE = {"type": "string", "format": "binary"}
"""The schema of a file in the OpenAPI document."""
FROM_A_BYTE = re.compile(r"bytes=([0-9]{1,18})-")

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
    """Stream the blob, or answer 304. Without `headers`, the content counts as never changing.

    With `palette`, a grey PNG is sent in its colours, which may change.
    """
    headers = headers or (changing(f"{sha256}-{palette.tag}") if palette else fresh(sha256))
    if not_modified(request, headers):
        return Response(status_code=304, headers=headers)
    content = blobs.open(sha256)
    start = content.read(HEADER_BYTES)
    shown = palette.put_into(start) if palette else start
    length = {"Content-Length": str(size + len(shown) - len(start))}
    return StreamingResponse(
        _chunks(shown, content), media_type=media_type, headers={**INERT, **headers, **length}
    )


def range_response(request: Request, file: BinaryIO, sha256: str, size: int, media_type: str) -> Response:
    """Stream a file from the byte that `Range: bytes=N-` asks for, or all of it. Raises RangeNotSatisfiable.

    Other ranges, and ranges of another file than that of `If-Range`, are answered with all of it.
    """
    headers = {**INERT, **changing(sha256), "Accept-Ranges": "bytes"}
    asked = FROM_A_BYTE.fullmatch(request.headers.get("range", ""))
    is_same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    start = int(asked[1]) if asked and is_same else 0
    if not_modified(request, headers):
        file.close()
        return Response(status_code=304, headers=headers)
    if start >= size:
        file.close()
        problem = RangeNotSatisfiable(f"The file has {size} bytes: begin before its end.")
        raise problem.with_headers(Content_Range=f"bytes */{size}")
    file.seek(start)
    headers["Content-Length"] = str(size - start)
    if asked and is_same:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    status = 206 if asked and is_same else 200
    return StreamingResponse(_chunks(b"", file), status, headers, media_type)


def _chunks(start: bytes, content: BinaryIO) -> Iterator[bytes]:
    with content:
        yield start
        while chunk := content.read(CHUNK):
            yield chunk
