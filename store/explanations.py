"""Explanations of selections, and the images that each pick stands for.

These images are kept in the blob `members`, 20 bytes for each: its id and its distance to the pick (float32).
They are ordered by the rank of the pick, then nearest first. So a page can be read from the middle of the
file, and a pool of millions of images needs no rows.
"""

import struct
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import selections
from store.tables import Explanation, Selection

RECORD = struct.Struct("<16sf")
RECORDS_A_CHUNK = 4096


@dataclass(frozen=True)
class Member:
    """An image that a pick stands for, and its distance to it."""

    image_id: uuid.UUID
    distance: float


def of_selection(session: Session, selection_id: uuid.UUID) -> Explanation | None:
    return session.scalar(select(Explanation).where(Explanation.selection_id == selection_id))


def is_possible(session: Session, selection: Selection) -> bool:
    """Whether the explanation is made, or can be: all picks are still embedded images of their split."""
    made = select(Explanation.id).where(Explanation.selection_id == selection.id)
    if session.scalar(made):
        return True
    picks, split = selections.ranks(selection), selection.document["receipt"]["split"]
    there = selections.embedded(session, selection.pool_id, split, among=list(picks), without=())
    return len(list(there)) == len(picks)


def packed(members: Sequence[Member]) -> Iterator[bytes]:
    """Yield the content of the blob, in chunks."""
    for start in range(0, len(members), RECORDS_A_CHUNK):
        chunk = members[start : start + RECORDS_A_CHUNK]
        yield b"".join(RECORD.pack(member.image_id.bytes, member.distance) for member in chunk)


def unpacked(file: BinaryIO, start: int, count: int) -> list[Member]:
    """`count` members from number `start` on; fewer at the end of the file."""
    file.seek(start * RECORD.size)
    return [
        Member(uuid.UUID(bytes=id), distance)
        for id, distance in RECORD.iter_unpack(file.read(count * RECORD.size))
    ]
