"""Files of every kind, changed at random: the same seed gives the same files."""

import functools
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks import hostile_files
from tests import export_kinds, file_kinds, label_map_kinds, photo_kinds
from tests.faults.bad_files import tarred

Kind = Literal["photo", "label map", "archive", "export", "class table", "network"]

SHARES: dict[Kind, int] = {
    "photo": 40,
    "label map": 28,
    "archive": 15,
    "class table": 11,
    "export": 4,
    "network": 2,
}
PNG = b"\x89PNG\r\n\x1a\n"
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class File:
    kind: Kind
    content: bytes
    form: str = ""
    """The format of an export."""


@functools.cache
def originals() -> dict[Kind, list[File]]:
    """The files before they are changed."""
    photos = [made().content for made in (*photo_kinds.TAKEN.values(), *photo_kinds.REFUSED.values())]
    label_maps = [
        made().content for made in (*label_map_kinds.TAKEN.values(), *label_map_kinds.REFUSED.values())
    ]
    archives = [made().content for made in file_kinds.ARCHIVES.values()]
    archives += [tarred({"a.png": photos[0], "b/c.png": photos[1]}, mode) for mode in ("w", "w:gz")]
    exports = [made() for made in export_kinds.TAKEN.values()]
    tables = [label_map_kinds.FARM, label_map_kinds.NUMBERED, export_kinds.CITY, "voc", "rgb"]
    networks = (hostile_files.huge_output(64), hostile_files.large_constants(8, 3))
    return {
        "photo": [File("photo", content) for content in photos],
        "label map": [File("label map", content) for content in label_maps],
        "archive": [File("archive", content) for content in archives],
        "export": [File("export", export_kinds.zipped(export.files), export.format) for export in exports],
        "class table": [File("class table", json.dumps(table).encode()) for table in tables],
        "network": [File("network", content) for content in networks],
    }


def files(seed: int, count: int) -> Iterator[File]:
    chance = random.Random(seed)
    known = originals()
    for _ in range(count):
        [kind] = chance.choices(list(SHARES), list(SHARES.values()))
        original = chance.choice(known[kind])
        content = original.content
        for _ in range(chance.randint(1, 3)):
            content = changed(chance, content, chance.choice(known[kind]).content)
        if chance.random() < 0.7:
            content = with_checksums(content)
        yield File(kind, content, original.form)


def changed(chance: random.Random, content: bytes, other: bytes) -> bytes:
    """The file with one change; some put in a part of another file."""
    if not content:
        return other[: chance.randrange(64)]
    data = bytearray(content)
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.choice((1, 2, 4, 16, 64, 1024)))
    match chance.choice(
        ("bits", "bits", "number", "number", "noise", "fill", "cut", "drop", "twice", "join")
    ):
        case "bits":
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case "number":
            size = chance.choice((1, 2, 4))
            number = chance.choice(NUMBERS) & (256**size - 1)
            data[start : start + size] = number.to_bytes(size, chance.choice(("big", "little")))
        case "noise":
            data[start:end] = chance.randbytes(end - start)
        case "fill":
            data[start:end] = chance.choice((b"\0", b"\xff", b"0", b"[")) * (end - start)
        case "cut":
            del data[start:]
        case "drop":
            del data[start:end]
        case "twice":
            data[start:start] = data[start:end] * chance.choice((1, 10, 200))
        case "join":
            data[start:end] = other[chance.randrange(len(other) + 1) :]
    return bytes(data)


def with_checksums(content: bytes) -> bytes:
    """A PNG with the checksums that belong to its changed chunks, so that they are read."""
    if not content.startswith(PNG):
        return content
    mended, at = PNG, len(PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        body = content[at + 4 : at + 8 + length]
        mended += struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return mended + content[at:]
