"""The README's loop on a folder as people have it: nested, of mixed kinds, with junk and copies."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fewpairs import Pool
from tests import drawings
from tests.fewpairs.conftest import Run

DAYS = ("2024-05-01 morning", "2024-05-02")
SUFFIXES = ("JPG", "jpeg", "png", "webp")
TURNED, OPAQUE, COPY = "phone/PXL_1.jpg", "phone/Screenshot 2.png", "phone/IMG_0001 (1).JPG"
LABEL_MAPS = {
    **{
        f"{day}/IMG_{n:04d}.{SUFFIXES[n]}": drawings.drawing(10 * d + n)[1]
        for d, day in enumerate(DAYS)
        for n in range(4)
    },
    TURNED: drawings.drawing(30)[1],
    OPAQUE: drawings.drawing(31)[1],
    COPY: drawings.drawing(1)[1],
}
"""The label map that a person would draw of each photo, as the photo is seen."""


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """`drive/photos`, and `drive/tests` with photos to test with and their label maps."""
    photos = tmp_path / "drive" / "photos"
    for day, folder in enumerate(DAYS):
        (photos / folder).mkdir(parents=True)
        for n, suffix in enumerate(SUFFIXES):
            drawn(10 * day + n).save(photos / folder / f"IMG_{n:04d}.{suffix}")
    (photos / "phone").mkdir()
    exif = Image.Exif()
    exif[274] = 6  # shown after a quarter turn clockwise
    drawn(30).transpose(Image.Transpose.ROTATE_90).save(photos / TURNED, exif=exif)
    drawn(31).convert("RGBA").save(photos / OPAQUE)
    (photos / COPY).write_bytes((photos / DAYS[0] / "IMG_0001.jpeg").read_bytes())
    for junk in (".DS_Store", "phone/Thumbs.db", "__MACOSX/._IMG_0001.jpeg"):
        (photos / junk).parent.mkdir(exist_ok=True)
        (photos / junk).write_bytes(b"\0")
    (photos / "notes.txt").write_text("rain at noon")
    for n in range(3):
        for kind, pixels in zip(("pictures", "masks"), drawings.drawing(40 + n), strict=True):
            ending = "" if kind == "pictures" else "_label"
            path = tmp_path / "drive" / "tests" / kind / f"cam{n % 2}" / f"{n // 2}{ending}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(drawings.png(pixels))
    return tmp_path / "drive"


def drawn(seed: int) -> Image.Image:
    return Image.fromarray(drawings.drawing(seed)[0])


def opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def ok(run: Run, *words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_loop_on_a_folder_as_people_have_it(run: Run, pool: Pool, drive: Path, tmp_path: Path) -> None:
    """From the folder to label maps of all photos, and each step says what it leaves out. Label maps are
    drawn into the folder that `select` copied the photos to, and are exported as they were drawn."""
    uploaded = ok(run, "upload", drive / "photos")
    assert "11 new" in uploaded
    assert "1 photo with the bytes of another one" in uploaded
    assert "3 hidden or system files" in uploaded
    assert "notes.txt" in uploaded
    assert "3 label maps in masks" in ok(run, "upload", drive / "tests", "--split", "test", "--yes")

    to_label = tmp_path / "to-label"
    ok(run, "select", "--budget", 6, "--strategy", "advised", "--test-distance", "off", "--copy-to", to_label)
    picked = {path.relative_to(to_label).as_posix() for path in to_label.rglob("*.*")}
    assert len(picked) == 6
    assert picked < LABEL_MAPS.keys() - {COPY}
    for name in picked:
        target = to_label / name
        target.with_name(f"{target.stem}_mask.png").write_bytes(drawings.png(LABEL_MAPS[name]))
    annotated = ok(run, "annotate", to_label)
    assert "6 new" in annotated
    assert "6 files that are photos of the pool" in annotated

    ok(run, "export", pool.name, tmp_path / "out", "--format", "png")
    for name in picked:
        exported = opened((tmp_path / "out" / "labels" / name).with_suffix(".png"))
        assert np.array_equal(exported, LABEL_MAPS[name]), name

    assert "6 pairs" in ok(run, "advice")
    ok(run, "train", "--method", "probe", "--option", "image_size=64", "--steps", 2, "--follow")
    assert "Mean IoU" in ok(run, "evaluate")
    translated = ok(run, "translate", "latest", drive / "photos", "--out", tmp_path / "translated")
    assert "11 of 11 photos" in translated
    assert "3 hidden or system files" in translated
    for name, drawing in LABEL_MAPS.items():
        made = opened((tmp_path / "translated" / name).with_suffix(".png"))
        assert made.shape == drawing.shape, name
