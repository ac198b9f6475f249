"""The size at which a network that keeps the aspect sees a photo."""

import math


def working_size(height: int, width: int, size: int, multiple: int = 32) -> tuple[int, int]:
    """Height and width of about `size`² pixels with the photo's aspect, both multiples of `multiple`.

    At 320, a photo of 480×360 pixels (W×H) gets 384×288. The sides of a photo so narrow that its shorter side
    would be less than `multiple` are `multiple` and what is left of the area.
    """
    scale = size / math.sqrt(height * width)
    longest = max(1, round(size * size / multiple**2))
    sides = (max(1, round(side * scale / multiple)) for side in (height, width))
    rows, columns = (multiple * min(side, longest) for side in sides)
    return rows, columns
