"""Small pictures of photos and label maps: each is made once and kept with the bytes that it is made of."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from service.http.blobs import changing, not_modified
from service.http.palettes import palette_of
from service.runtime import Service
from store.blobs import CHUNK

KEPT = (64, 128, 256, 512)
"""The sides that are kept; others are made anew each time."""

Side = Annotated[int, Query(ge=16, le=512, description="Longest side in pixels.")]


async def of_photo(service: Service, request: Request, sha256: str, side: int) -> Response:
    """A JPEG of the photo with these bytes, at most `side` pixels wide and high. Raises BlobMissing or a
    Problem.
    """
    make = partial(service.decoders.thumbnail, side=side)
    return await _answer(service, request, sha256, side, f"{side}.jpg", make)


async def of_label_map(
    service: Service, request: Request, sha256: str, side: int, class_table: dict[str, Any] | None
) -> Response:
    """A PNG of a label map in the colours of its classes, or of an RGB image; otherwise as `of_photo`."""
    palette = palette_of(class_table)
    make = partial(service.decoders.colored, side=side, colors=palette.colors if palette else None)
    return await _answer(
        service, request, sha256, side, f"{side}-{palette.tag if palette else 'rgb'}.png", make
    )


async def _answer(
    service: Service, request: Request, sha256: str, side: int, kind: str, make: Callable[[Path], bytes]
) -> Response:
    headers = changing(f"{sha256}-{kind}")
    if not_modified(request, headers):
        return Response(status_code=304, headers=headers)
    content = await run_in_threadpool(service.blobs.derived, sha256, kind) if side in KEPT else None
    if content is None:
        content = await service.decoders.queue.run(_made, service, sha256, make)
        if side in KEPT:
            await run_in_threadpool(service.blobs.keep_derived, sha256, kind, content)
    return Response(
        content, media_type="image/jpeg" if kind.endswith("jpg") else "image/png", headers=headers
    )


def _made(service: Service, sha256: str, make: Callable[[Path], bytes]) -> bytes:
    with service.blobs.incoming() as copy:
        with service.blobs.open(sha256) as content:
            while chunk := content.read(CHUNK):
                copy.write(chunk)
        copy.flush()
        return make(copy.path)
