"""The two files of a label map, what was sent and what counts: keep them, and answer with them."""

from typing import Annotated, Any, Self

from fastapi import Query, Request, Response
from pydantic import Field

from service.decoding.label_maps import CheckedLabelMap
from service.http.blobs import blob_response
from service.http.documents import Document
from service.http.palettes import palette_of
from store import blobs
from store.blobs import Blobs, Incoming
from store.tables import DrawnLabels

Original = Annotated[
    bool,
    Query(
        description="1: the bytes as they were sent. Left out: what counts. In a pool with classes this is "
        "an 8-bit PNG of positions in the class table (and its ignore index) with a palette of their colours."
    ),
]

ACCEPTED_FILES = (
    "In a pool with classes it is a PNG, BMP, TIFF or lossless WebP, either in exactly the class colours "
    "(and unlabelled where it is transparent) or with one channel of class numbers. In an `rgb` pool it is "
    "an RGB image."
)


class LabelMapFile(Document):
    """What counts of a label map, what was sent, and what it holds."""

    sha256: str = Field(description="Of what counts; with classes, of the PNG without its palette.")
    size_bytes: int
    media_type: str
    original_sha256: str = Field(description="Of the bytes that were sent.")
    original_size_bytes: int
    original_media_type: str
    pixels: dict[str, int] | None = Field(
        description="The number of pixels of each class; null in an `rgb` pool, and for label maps of before."
    )
    unlabelled: int | None = Field(description="The number of unlabelled pixels; null where `pixels` is.")

    @classmethod
    def of(cls, row: DrawnLabels, class_table: dict[str, Any] | None, **others: Any) -> Self:
        pixels = None
        if class_table and row.class_pixels is not None:
            names = [entry["name"] for entry in class_table["classes"]]
            pixels = dict.fromkeys(names, 0) | dict(zip(names, row.class_pixels, strict=False))
        return cls.of_row(
            row,
            **others,
            original_sha256=row.original_sha256 or row.sha256,
            original_size_bytes=row.original_size_bytes or row.size_bytes,
            original_media_type=row.original_media_type or row.media_type,
            pixels=pixels,
            unlabelled=row.unlabelled_pixels,
        )


def kept(store: Blobs, incoming: Incoming, checked: CheckedLabelMap) -> dict[str, Any]:
    """Keep an accepted label map; returns the columns of its row."""
    sent = incoming.keep()
    if checked.canonical is None:
        return {"sha256": sent.sha256, "size_bytes": sent.size, "media_type": checked.media_type}
    counted = blobs.put(store, [checked.canonical.png])
    return {
        "sha256": counted.sha256,
        "size_bytes": counted.size,
        "media_type": "image/png",
        "original_sha256": sent.sha256,
        "original_size_bytes": sent.size,
        "original_media_type": checked.media_type,
        "class_pixels": checked.canonical.class_pixels,
        "unlabelled_pixels": checked.canonical.unlabelled_pixels,
    }


def label_map_response(
    store: Blobs,
    request: Request,
    row: DrawnLabels,
    class_table: dict[str, Any] | None,
    original: bool,
    headers: dict[str, str] | None = None,
) -> Response:
    if original and row.original_sha256:
        assert row.original_size_bytes is not None
        assert row.original_media_type
        file = row.original_sha256, row.original_size_bytes, row.original_media_type
        return blob_response(store, request, *file, headers)
    palette = None if original else palette_of(class_table)
    return blob_response(store, request, row.sha256, row.size_bytes, row.media_type, headers, palette)
