"""Label Studio's brush: run lengths over the bytes of RGBA pixels, row by row.

The region is where alpha is high. First come 32 bits, the number of words; 5 bits, the size of a word; and
four times 4 bits, sizes of runs; all sizes minus 1. Then runs: a bit, whether one word is repeated; 2 bits,
which size; the length minus 1 in so many bits; and the word, or as many words as the length says. The highest
bit comes first.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from formats.contract import Mask, Unreadable

CHANNELS, WORD, OPAQUE = 4, 8, 128
SIZES = (3, 4, 8, 16)


class _Bits:
    def __init__(self, content: bytes) -> None:
        self._content, self._end, self.at = content + bytes(4), 8 * len(content), 0

    def take(self, count: int) -> int:
        """The next bits, at most 25 of them, as a number."""
        if self.at + count > self._end:
            raise Unreadable("a brush region ends too early")
        first = self.at >> 3
        window = int.from_bytes(self._content[first : first + 4], "big")
        self.at += count
        return window >> 32 - (self.at - (first << 3)) & (1 << count) - 1


def mask(rle: Sequence[int], width: int, height: int) -> Mask:
    """The region (H, W) of a brush. Raises Unreadable."""
    try:
        bits = _Bits(bytes(rle))
    except (TypeError, ValueError):
        raise Unreadable("a brush region is no list of bytes") from None
    count = bits.take(16) << 16 | bits.take(16)
    word, sizes = bits.take(5) + 1, [bits.take(4) + 1 for _ in SIZES]
    if count != CHANNELS * width * height or word != WORD:
        raise Unreadable(f"a brush region has {count} words of {word} bits, not 4·{width}·{height} of {WORD}")
    words = np.zeros(count, np.uint8)
    at = 0
    while at < count:
        is_repeated, size = bits.take(1), sizes[bits.take(2)]
        length = min(bits.take(size) + 1, count - at)
        words[at : at + length] = bits.take(WORD) if is_repeated else [bits.take(WORD) for _ in range(length)]
        at += length
    return words[CHANNELS - 1 :: CHANNELS].reshape(height, width) >= OPAQUE


def packed(region: Mask) -> list[int]:
    """A region (H, W) as the bytes of a brush: white and opaque, elsewhere all 0."""
    flat = region.ravel()
    edges = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]])
    fields = [(CHANNELS * flat.size, 32), (WORD - 1, 5), *((size - 1, 4) for size in SIZES)]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        fields += _run(CHANNELS * (end - start), 255 if flat[start] else 0)
    text = "".join(f"{value:0{size}b}" for value, size in fields)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _run(length: int, word: int) -> Iterable[tuple[int, int]]:
    """A run of one word in parts that its largest size can count."""
    while length:
        part = min(length, 1 << SIZES[-1])
        which = next(place for place, size in enumerate(SIZES) if part <= 1 << size)
        yield from ((1, 1), (which, 2), (part - 1, SIZES[which]), (word, WORD))
        length -= part
