"""Run lengths, as COCO stores masks: column by column, and the first run is off."""

from collections.abc import Sequence

import numpy as np

from formats.contract import Mask, Unreadable

OFFSET, BITS, MORE = 48, 5, 32
"""Of a character of a compressed string: its code for 0, its bits of a number, and the bit "more follow"."""
MOST_BITS = 60


def lengths(mask: Mask) -> list[int]:
    """The run lengths of a mask (H, W)."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    found = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *found] if flat[0] else found


def mask(counts: Sequence[int], width: int, height: int) -> Mask:
    """The mask (H, W) of run lengths. Raises Unreadable if they do not add up to its pixels."""
    if any(type(count) is not int or count < 0 for count in counts) or sum(counts) != width * height:
        raise Unreadable(f"its run lengths are not those of {width}×{height} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def packed(counts: Sequence[int]) -> str:
    """The compressed string: from the fourth on, each count minus the one two places before it."""
    text = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            low, value = value & MORE - 1, value >> BITS
            ends = value == (-1 if low & MORE // 2 else 0)
            text.append(chr(OFFSET + (low if ends else low | MORE)))
            if ends:
                break
    return "".join(text)


def unpacked(text: str) -> list[int]:
    """The run lengths of a compressed string. Raises Unreadable."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        part = ord(character) - OFFSET
        if not 0 <= part < 2 * MORE or shift > MOST_BITS:
            raise Unreadable(f"its run lengths hold the character {character!r}")
        value |= (part & MORE - 1) << shift
        shift += BITS
        if part & MORE:
            continue
        if part & MORE // 2:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    return counts
