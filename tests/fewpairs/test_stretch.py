"""`fewpairs upload --stretch`: 16-bit photos are sent with 8 bits."""

import io
import struct
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fewpairs import Pool
from fewpairs.stretch import NotStretched, stretched
from tests import photo_kinds as kinds
from tests.access import WITH_KEY
from tests.fewpairs.conftest import Run

Values = NDArray[np.uint16]
DEFLATE, UNPACKED = 8, 1
SHORT, LONG = 3, 4
OPAQUE = 2**16 - 1


def tiff(values: Values, order: str = "<", compression: int = UNPACKED, orientation: int = 1) -> bytes:
    """A 16-bit TIFF of grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) values, which Pillow does not write."""
    height, width, channels = *values.shape[:2], values[0, 0].size
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compression == DEFLATE else data
    depths = struct.pack(f"{order}4H", 16, 16, 16, 16)
    count = 11 if channels == 4 else 10
    behind = 8 + 2 + 12 * count + 4
    tags = [
        *(
            (256, LONG, 1, width),
            (257, LONG, 1, height),
            (258, SHORT, channels, behind if channels > 1 else 16),
        ),
        *((259, SHORT, 1, compression), (262, SHORT, 1, 2 if channels > 1 else 1)),
        *((273, LONG, 1, behind + len(depths)), (274, SHORT, 1, orientation), (277, SHORT, 1, channels)),
        *((278, LONG, 1, height), (279, LONG, 1, len(data)), (338, SHORT, 1, 2)),
    ][:count]
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, number)
        + struct.pack(f"{order}{'Hxx' if kind == SHORT and number == 1 else 'I'}", value)
        for tag, kind, number, value in tags
    )
    start = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, count)
    return start + entries + bytes(4) + depths + data


def values(*channels: int) -> Values:
    """Values of a 12-bit camera."""
    drawn = np.random.default_rng(len(channels)).integers(90, 4000, (kinds.HEIGHT, kinds.WIDTH, *channels))
    return drawn.astype(np.uint16)


def expected(colors: Values, low: float, high: float) -> NDArray[np.float64]:
    black, white = np.percentile(colors, [low, high], method="inverted_cdf").astype(float)
    return np.clip(np.rint((colors - black) * 255 / (white - black)), 0, 255)


def pixels(content: bytes, low: float, high: float) -> NDArray[np.uint8]:
    made = stretched(content, low, high)
    assert made
    return np.asarray(Image.open(io.BytesIO(made.png)))


@pytest.mark.parametrize(("low", "high"), [(1, 99), (0, 100), (12.5, 60)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_values_between_the_percentiles_are_spread(low: float, high: float, channels: tuple[int]) -> None:
    """Pixels equal NumPy's percentiles and a straight line between them, whatever way a file stores them."""
    drawn = values(*channels)
    made = [
        kinds.deep(drawn),
        tiff(drawn),
        tiff(drawn, ">"),
        tiff(drawn, "<", DEFLATE),
        tiff(drawn, ">", DEFLATE),
    ]
    for content in made:
        assert np.array_equal(pixels(content, low, high), expected(drawn, low, high))


def test_an_alpha_channel_is_not_stretched() -> None:
    """What is opaque stays so, and does not count in the percentiles; what is transparent stays so too."""
    drawn = values(4)
    drawn[..., 3] = OPAQUE
    drawn[3, 5, 3] = 300
    for content in (kinds.deep(drawn), tiff(drawn)):
        found = pixels(content, 1, 99)
        assert np.array_equal(found[..., :3], expected(drawn[..., :3], 1, 99))
        assert found[3, 5, 3] == 1
        assert np.count_nonzero(found[..., 3] == 255) == drawn[..., 3].size - 1


def test_turned_photos_are_stretched_upright() -> None:
    """The PNG that is sent has no EXIF, so that its pixels are upright."""
    drawn = values(3)
    stored = drawn.transpose(1, 0, 2)[::-1]  # as orientation 6 stores it
    assert np.array_equal(pixels(tiff(stored, orientation=6), 1, 99), expected(drawn, 1, 99))


@pytest.mark.filterwarnings("ignore:.*EXIF data")
def test_what_has_not_16_bits_stays_as_it_is() -> None:
    """Other photos, damaged files and files of several pages are sent unchanged, for the server to judge."""
    pages = io.BytesIO()
    page = Image.fromarray(values())
    page.save(pages, "TIFF", save_all=True, append_images=[page])
    others = [make().content for make in kinds.TAKEN.values()]
    for content in (
        *others,
        b"",
        kinds.CUT,
        pages.getvalue(),
        tiff(values())[:60],
        kinds.deep(values(3))[:900],
    ):
        assert stretched(content, 1, 99) is None


def test_a_photo_without_contrast_is_not_stretched() -> None:
    """Between equal percentiles there is nothing to spread: the error names the value."""
    with pytest.raises(NotStretched, match="from the percentile 1 to 99 are 700"):
        stretched(tiff(np.full_like(values(), 700)), 1, 99)


def test_a_folder_is_stretched_while_it_is_sent(run: Run, pool: Pool, server: str, tmp_path: Path) -> None:
    """16-bit photos arrive with 8 bits and are there when sent again; the others arrive as they are. The
    report names each photo with its values, and a photo that cannot be stretched with the reason.
    """
    files = {"deep.png": kinds.deep(values(3)), "deep.tif": tiff(values()), "plain.png": kinds.turned(5)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert "2 refused" in run("upload", tmp_path).output
    (tmp_path / "flat.png").write_bytes(kinds.deep(np.zeros_like(values())))
    result = run("upload", tmp_path, "--stretch", "1,99")
    assert result.exit_code == 1
    assert "2 new, 1 there already" in result.output
    black, white = np.percentile(values(), [1, 99], method="inverted_cdf")
    assert f"deep.tif: {black} became black, {white} white" in result.output
    assert "(not-stretched)" in next(line for line in result.output.splitlines() if "flat.png:" in line)
    assert "3 there already" in run("upload", tmp_path, "--stretch", "1,99").output
    contents = {
        i["name"]: httpx.get(f"{server}/images/{i['id']}/content", headers=WITH_KEY).content
        for i in pool.images()
    }
    assert contents["plain.png"] == files["plain.png"]
    stored = np.asarray(Image.open(io.BytesIO(contents["deep.tif"])))
    assert np.array_equal(stored, expected(values(), 1, 99))


@pytest.mark.parametrize("text", ["1", "99,1", "-1,99", "1,101", "a,b", "nan,99", "5,5"])
def test_wrong_percentiles_are_explained(run: Run, pool: Pool, photos: Path, text: str) -> None:
    """Nothing is sent, and the error gives an example."""
    result = run("upload", photos / "images", f"--stretch={text}")
    assert result.exit_code == 1
    assert "percentile" in result.output
    assert "1,99" in result.output
    assert pool.refresh().counts["images"] == 0
