"""The form of a label map that counts: a grey 8-bit PNG of positions in the class table. Pillow only."""

import io
from dataclasses import dataclass

from PIL import Image

EMPTY = "Every pixel of the label map is unlabelled, so that nothing can be learned from it: label some."


@dataclass(frozen=True)
class Canonical:
    """The label map that counts: a PNG of positions in the class table, and how often each occurs in it."""

    png: bytes
    class_pixels: list[int]
    unlabelled_pixels: int

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is labelled."""
        return not any(self.class_pixels)


def canonical(positions: Image.Image, class_count: int, ignore: int) -> Canonical:
    """Write positions in the class table (L); `ignore` is unlabelled."""
    counts = positions.histogram()
    content = io.BytesIO()
    Image.frombytes("L", positions.size, positions.tobytes()).save(content, "PNG")
    return Canonical(content.getvalue(), counts[:class_count], counts[ignore])


def wrong_size(found: tuple[int, int], size: tuple[int, int]) -> str:
    """Why a label map of the (width, height) `found` is not one of a photo of another size."""
    return f"The label map is {found[0]}×{found[1]} and its image {size[0]}×{size[1]}: " + (
        "was it drawn on the photo before EXIF turned it? Draw it on the photo as it is seen, upright."
        if found == size[::-1]
        else "send a label map of the image's size."
    )
