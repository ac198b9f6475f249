"""The class table: classes as colours, colours back to classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

DOUBTFUL_RATIO = 0.8
"""A predicted pixel is doubtful if a second class is almost as good as the predicted one.

When classes are decoded from colours, this means: the nearest class colour is more than 0.8 times as far away
as the second nearest (Lowe's ratio test). When a network predicts classes: the second-highest probability is
more than 0.8 times the highest.
"""

_BAND = 2**14
"""Pixels decoded at a time: their distances stay in a processor's cache, which is three times as fast as 2²⁰
pixels were, and a large photo takes little more memory than its label map."""


@dataclass(frozen=True)
class ClassTable:
    """Ordered classes, each a name and an RGB colour, and the index that means "ignore this pixel".

    A pool whose target is an image without classes (`rgb`) has None instead of a class table.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    ignore: int = 255

    def __post_init__(self) -> None:
        """Raises ValueError if label maps drawn with this table could not be read back."""
        count = len(self.names)
        if not 1 <= count <= 255 or count != len(self.colors):
            raise ValueError(f"a class table needs 1 to 255 classes with a colour each, got {count} names")
        if len(set(self.names)) < count or len(set(self.colors)) < count:
            raise ValueError("every class needs a name and a colour of its own")
        if any(len(color) != 3 or not all(0 <= channel <= 255 for channel in color) for color in self.colors):
            raise ValueError("a class colour is three numbers from 0 to 255: red, green, blue")
        if not count <= self.ignore <= 255:
            raise ValueError(
                f"the ignore index must be from {count} (the first free one) to 255, got {self.ignore}"
            )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read `{"ignore": 11, "classes": [{"name": …, "color": [r, g, b]}, …]}`; else raise ValueError."""
        try:
            names = tuple(str(entry["name"]) for entry in value["classes"])
            colors = tuple(
                (int(red), int(green), int(blue))
                for red, green, blue in (entry["color"] for entry in value["classes"])
            )
            ignore = int(value.get("ignore", 255))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                'a class table reads {"ignore": 255, "classes": [{"name": "road", "color": [128, 64, 128]}]}'
            ) from error
        return cls(names, colors, ignore)

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        classes = [
            {"name": name, "color": list(color)} for name, color in zip(self.names, self.colors, strict=True)
        ]
        return {"ignore": self.ignore, "classes": classes}

    def encode(self, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colour a label map for people: class indices (H, W) → RGB (H, W, 3).

        Ignored pixels turn black, as unlabelled pixels do in Cityscapes; a class may be black too.
        ValueError names the first index that is neither a class nor `ignore`.
        """
        return self.draw(indices)[:, :, :3]

    def draw(self, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colour a label map for a network: class indices (H, W) → RGBA (H, W, 4), opaque where labelled,
        wholly transparent where ignored. ValueError as for `encode`.
        """
        palette = np.zeros((256, 4), dtype=np.uint8)
        palette[: len(self.colors), :3] = self.colors
        palette[: len(self.colors), 3] = 255
        self.check(indices)
        return palette[indices]

    def check(self, indices: NDArray[np.uint8]) -> None:
        """Raise ValueError when a label map (H, W) holds an index that is neither a class nor `ignore`."""
        unknown = np.unique(indices[(indices >= len(self.names)) & (indices != self.ignore)])
        if unknown.size:
            raise ValueError(
                f"class index {unknown[0]} is unknown: the table has 0 to {len(self.names) - 1}"
                f" and {self.ignore} for ignore"
            )

    def decode(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give every pixel the class of the nearest colour (paper, §4.1.2): RGB (H, W, 3) → indices (H, W).

        Distances are exact; if several classes are equally near, the first wins. No pixel becomes `ignore`.
        """
        return self.decode_with_doubt(rgb)[0]

    def decode_with_doubt(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The result of `decode`, and a mask (H, W) of the doubtful pixels.

        A pixel is doubtful if its nearest colour is more than 0.8 times as far away as the second nearest.
        """
        pixels, shape = rgb.reshape(-1, 3), rgb.shape[:2]
        indices, doubtful = np.zeros(len(pixels), dtype=np.uint8), np.zeros(len(pixels), dtype=np.bool_)
        for start in range(0, len(pixels), _BAND):
            band = slice(start, start + _BAND)
            doubtful[band] = self._decode_band(pixels[band], indices[band])
        return indices.reshape(shape), doubtful.reshape(shape)

    def _decode_band(self, rgb: NDArray[np.uint8], indices: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Fill `indices` (N,), all 0 before, with the classes of pixels (N, 3); return which are doubtful."""
        pixels = rgb.T.astype(np.float32)
        squares = (pixels**2).sum(axis=0)
        nearest, second = np.full_like(squares, np.inf), np.full_like(squares, np.inf)
        for index, color in enumerate(np.array(self.colors, dtype=np.float32)):
            # |c − p|² = |c|² − 2 c·p + |p|², all whole numbers below 2²⁴ and so exact in float32.
            distance = color @ color - 2 * color @ pixels + squares
            indices[distance < nearest] = index
            np.minimum(second, np.maximum(nearest, distance), out=second)
            np.minimum(nearest, distance, out=nearest)
        doubtful: NDArray[np.bool_] = nearest > DOUBTFUL_RATIO**2 * second
        return doubtful
