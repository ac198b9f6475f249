"""`fewpairs upload` and `fewpairs annotate` on folders of photos as people have them."""

import io
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from fewpairs import Pool
from fewpairs.cli.translate import blend
from tests import photo_kinds as kinds
from tests.access import WITH_KEY
from tests.fewpairs.conftest import Run
from tests.service.steps import label_map


def test_a_folder_of_all_kinds_is_taken(run: Run, pool: Pool, server: str, tmp_path: Path) -> None:
    """Each photo has the size in which it is seen and an upright thumbnail; sent again, each is there."""
    for name, make in kinds.TAKEN.items():
        (tmp_path / f"{name}.jpg").write_bytes(make().content)
    words = ("upload", tmp_path, "--allow-label-maps")  # some are flat enough to be taken for label maps
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert f"{len(kinds.TAKEN)} new" in result.output
    for image in pool.images():
        assert (image["width"], image["height"]) == (kinds.WIDTH, kinds.HEIGHT), image["name"]
        thumbnail = httpx.get(f"{server}/images/{image['id']}/thumbnail", headers=WITH_KEY).content
        corner = np.asarray(Image.open(io.BytesIO(thumbnail)))[4, 4]
        assert np.abs(corner.astype(int) - kinds.RED).max() < 40, image["name"]
    assert f"{len(kinds.TAKEN)} there already" in run(*words).output


def test_a_folder_of_wrong_files_is_refused_file_by_file(run: Run, pool: Pool, tmp_path: Path) -> None:
    """Each file is named with what it is and how to convert it, and none is taken."""
    refused = {f"{number}.jpg": make() for number, make in enumerate(kinds.REFUSED.values())}
    lines = ""
    for start in range(0, len(refused), 20):  # a list names up to 20 files
        folder = tmp_path / str(start)
        folder.mkdir()
        for name in list(refused)[start : start + 20]:
            (folder / name).write_bytes(refused[name].content)
        result = run("upload", folder)
        assert result.exit_code == 1
        lines += result.output
    for name, kind in refused.items():
        line = next(line for line in lines.splitlines() if f"/{name}:" in line)
        assert f"({kind.problem})" in line
        assert [word for word in kind.words if word not in line] == []
    assert pool.refresh().counts["images"] == 0


def test_a_label_map_of_the_stored_size_is_refused(run: Run, pool: Pool, tmp_path: Path) -> None:
    """`annotate` says both sizes and why; a label map of the size that is seen is taken."""
    sizes = {"stored": (kinds.HEIGHT, kinds.WIDTH), "seen": (kinds.WIDTH, kinds.HEIGHT)}
    for folder in ("photos", "maps"):
        (tmp_path / folder).mkdir()
    for name, size in sizes.items():
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(kinds.turned(6, "JPEG"))
        (tmp_path / "maps" / f"{name}.png").write_bytes(label_map(size=size))
    run("upload", tmp_path / "photos")
    result = run("annotate", tmp_path / "maps")
    assert "1 new" in result.output
    line = next(line for line in result.output.splitlines() if "stored.png" in line)
    assert [word for word in ("32×48", "48×32", "EXIF", "label-map-size") if word not in line] == []


def test_an_overlay_is_upright(tmp_path: Path) -> None:
    """Unlabelled pixels of the overlay are those of the photo as it is seen."""
    (tmp_path / "photo.png").write_bytes(kinds.turned(8))
    Image.new("L", (kinds.WIDTH, kinds.HEIGHT), 255).save(tmp_path / "map.png")
    table = {"ignore": 255, "classes": [{"color": [0, 0, 0]}]}
    overlay = blend(tmp_path / "photo.png", tmp_path / "map.png", table)
    assert np.array_equal(np.asarray(overlay), kinds.seen())
