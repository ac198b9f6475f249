"""Show label maps in the colours of their classes: a palette is put into the PNG while it is sent."""

import hashlib
import struct
import zlib
from typing import Any

from service.colors import BLACK, far_apart

HEADER_BYTES = 33
"""A PNG's signature and its first chunk, IHDR."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
DEPTH_AND_KIND = slice(24, 26)
GREY_OF_8_BITS, PALETTE_OF_8_BITS = b"\x08\x00", b"\x08\x03"


class Palette:
    """The colours of a class table, by position. Unlabelled pixels have `ignore_color`; without one they are
    black, or of another colour that is no class's.
    """

    def __init__(self, class_table: dict[str, Any]) -> None:
        colors = bytearray(768)
        for place, entry in enumerate(class_table["classes"]):
            colors[3 * place : 3 * place + 3] = bytes(entry["color"])
        taken = [tuple(entry["color"]) for entry in class_table["classes"]]
        free = far_apart(1, taken)[0] if BLACK in taken else BLACK
        unlabelled = 3 * class_table["ignore"]
        colors[unlabelled : unlabelled + 3] = bytes(class_table.get("ignore_color", free))
        self.colors = bytes(colors)
        self._chunk = _chunk(b"PLTE", self.colors)
        self.tag = hashlib.sha256(colors).hexdigest()[:16]

    def put_into(self, header: bytes) -> bytes:
        """The first HEADER_BYTES of a grey 8-bit PNG as those of a palette PNG with the same pixels.

        What follows needs no change. Other bytes stay as they are.
        """
        if not header.startswith(SIGNATURE) or header[DEPTH_AND_KIND] != GREY_OF_8_BITS:
            return header
        size, rest = header[16:24], header[26:29]
        return SIGNATURE + _chunk(b"IHDR", size + PALETTE_OF_8_BITS + rest) + self._chunk


def palette_of(class_table: dict[str, Any] | None) -> Palette | None:
    return Palette(class_table) if class_table else None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
