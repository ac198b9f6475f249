"""`translate` as a command, and painting label maps over photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import hostile_files
from fewpairs import Model, Pool
from fewpairs.cli.translate import blend
from tests import drawings
from tests.fewpairs.conftest import Run


@pytest.mark.parametrize("mode", ["L", "P"])
def test_an_overlay_draws_pixels_towards_their_class(tmp_path: Path, mode: str) -> None:
    """Each pixel moves the same way from the photo to its class's colour; ignored pixels stay. The label
    map may have a palette or none.
    """
    photo = np.full((2, 3, 3), 100, np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    label_map = Image.fromarray(np.array([[0, 1, 255]] * 2, np.uint8))
    if mode == "P":
        label_map.putpalette([0, 0, 0, 200, 100, 0] + [7] * 762)
    label_map.save(tmp_path / "labels.png")
    table = {"ignore": 255, "classes": [{"color": [0, 0, 0]}, {"color": [200, 100, 0]}]}
    pixels = np.asarray(blend(tmp_path / "photo.png", tmp_path / "labels.png", table))
    assert pixels[0, 0] == pytest.approx([45, 45, 45], abs=1)
    assert pixels[0, 1] == pytest.approx([155, 100, 45], abs=1)
    assert pixels[0, 2].tolist() == [100, 100, 100]


def test_translate_writes_label_maps_of_the_photos_size(
    run: Run, trained: Model, photos: Path, tmp_path: Path
) -> None:
    """Each photo becomes a PNG of class ids with a palette of their colours; --overlay adds a picture, --rgb
    gives the colours that were drawn.
    """
    photo = photos / "images" / "0000.png"
    result = run("translate", trained.id, photo, "--out", tmp_path / "out", "--overlay")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out" / "0000.png") as label_map:
        assert label_map.size == (drawings.WIDTH, drawings.HEIGHT)
        assert set(np.unique(np.asarray(label_map))) <= {0, 1, 2, 3}
        assert label_map.mode == "P"
        assert label_map.getpalette()[3:6] == [200, 0, 0]  # the colour of the second class
    with Image.open(tmp_path / "out" / "0000-overlay.png") as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (drawings.WIDTH, drawings.HEIGHT))
    run("translate", trained.id, photo, "--out", tmp_path / "rgb", "--rgb")
    with Image.open(tmp_path / "rgb" / "0000.png") as colours:
        assert colours.mode == "RGB"


def test_translate_takes_a_folder_as_it_is(run: Run, trained: Model, photos: Path, tmp_path: Path) -> None:
    """Label maps beside photos are left out, all that is left out is told, and no name overwrites another."""
    (photos / "images" / "0000.JPG").write_bytes((photos / "images" / "0001.png").read_bytes())
    (photos / "notes.txt").write_text("the first drive")
    result = run("translate", trained.id, photos, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")}
    short = {f"images/{number:04d}.png" for number in range(1, 8)}
    assert names == short | {"images/0000.JPG.png", "images/0000.png.png"}
    assert "by the names of their folders: 8 files" in result.output
    assert "notes.txt" in result.output


def test_translate_goes_on_after_a_bad_photo(run: Run, trained: Model, photos: Path, tmp_path: Path) -> None:
    """A file that is no image is named, the others are translated, and the exit code is 1."""
    (photos / "images" / "0002.png").write_text("no image")
    result = run("translate", trained.id, photos / "images", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "0002.png" in result.output
    assert len(list((tmp_path / "out").iterdir())) == 7


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (hostile_files.weights_elsewhere(), "refers to other files"),
        (hostile_files.huge_output(29_000), "more than 1,024 MiB of memory"),
        pytest.param(hostile_files.endless_loop(), "model.onnx cannot be used", marks=pytest.mark.slow),
        pytest.param(
            hostile_files.large_constants(6000, 200), "model.onnx cannot be used", marks=pytest.mark.slow
        ),
    ],
    ids=["weights elsewhere", "huge output", "endless loop", "large constants"],
)
def test_a_harmful_model_is_explained(
    run: Run, pool: Pool, photos: Path, tmp_path: Path, content: bytes, words: str
) -> None:
    """An ONNX file that reads other files, or takes all memory or time, translates nothing: exit code 1 and a
    sentence that says why. The service goes on.
    """
    pool.change_classes(remove=["never drawn"])  # the networks tell three classes apart
    (tmp_path / "mine.onnx").write_bytes(content)
    assert run("model", "import", tmp_path / "mine.onnx").exit_code == 0
    [model] = pool.models()
    photo = photos / "images" / "0000.png"
    refused = run("translate", model.id, photo, "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert words in " ".join(refused.output.split())
    assert pool.refresh().counts["images"] == 0
