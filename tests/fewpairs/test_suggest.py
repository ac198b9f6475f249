"""`suggest`, as a command and from Python, on a service with its own worker for suggestions."""

from pathlib import Path

import numpy as np
from PIL import Image

from fewpairs import Pool
from tests import drawings
from tests.fewpairs.conftest import Run


def test_a_label_map_is_suggested(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """From a finished photo and strokes: the files are those of the client; most pixels are right, strokes
    keep their class, and nothing is annotated. Without anything to learn from, and without a model, a
    sentence says what is missing.
    """
    pool.upload(photos / "images")
    for words in (("0001.png",), ("0001.png", "--model", "newest")):
        refused = run("suggest", *words)
        assert refused.exit_code == 1
        assert "yet" in refused.output
    pool.annotate(photos / "labels" / "0000.png")
    truth = np.array(Image.open(photos / "labels" / "0001.png"))
    strokes = np.full_like(truth, 255)
    strokes[20] = truth[20]
    Image.fromarray(strokes).save(tmp_path / "strokes.png")

    result = run(
        *("suggest", "0001.png", "--strokes", tmp_path / "strokes.png"),
        *("--out", tmp_path / "found.png", "--doubt", tmp_path / "doubt.png"),
    )

    assert result.exit_code == 0, result.output
    assert "by the strokes and 1 finished photo" in " ".join(result.output.split())
    found = pool.suggest("0001.png", tmp_path / "strokes.png")
    assert found.document["source"] == "strokes"
    assert (tmp_path / "found.png").read_bytes() == found.label_map.content
    assert (tmp_path / "doubt.png").read_bytes() == found.doubt.content
    with Image.open(tmp_path / "found.png") as image:
        assert image.mode == "P"
        label_map = np.array(image)
    assert np.array_equal(label_map[20], truth[20])
    assert (label_map == truth)[truth != 255].mean() > 0.9
    assert pool.refresh().counts["annotated"] == 1
    assert drawings.CLASS_TABLE["ignore"] not in label_map
