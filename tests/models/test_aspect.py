from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.images.aspect import working_size


@pytest.mark.parametrize(
    ("photo", "size", "expected"),
    [
        ((360, 480), 320, (288, 384)),
        ((360, 480), 224, (192, 256)),
        ((360, 480), 64, (64, 64)),
        ((3000, 4000), 320, (288, 384)),
        ((33, 33), 64, (64, 64)),
        ((1, 5000), 320, (32, 3200)),
        ((5000, 1), 32, (32, 32)),
    ],
)
def test_known_sizes(photo: tuple[int, int], size: int, expected: tuple[int, int]) -> None:
    """Sizes computed by hand, of usual photos and of extreme ones."""
    assert working_size(*photo, size) == expected


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(32, 4096))
def test_every_photo_gets_a_usable_size(height: int, width: int, size: int) -> None:
    """Sides are positive multiples of 32, and the area is at most 2.25 times `size`², or one block of 32²."""
    rows, columns = working_size(height, width, size)
    assert min(rows, columns) > 0
    assert rows % 32 == columns % 32 == 0
    assert rows * columns <= 2.25 * max(size, 32) ** 2 + 32 * 32


@given(st.integers(300, 4000), st.integers(300, 4000), st.integers(256, 1024))
def test_the_aspect_is_kept(height: int, width: int, size: int) -> None:
    """Each side differs from the exact one by half a block at most, unless the photo is too narrow."""
    rows, columns = working_size(height, width, size)
    scale = size / (height * width) ** 0.5
    for side, exact in ((rows, height * scale), (columns, width * scale)):
        assert abs(side - exact) <= 16 + 1e-6
