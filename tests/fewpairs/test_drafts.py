"""Drafts, revisions and small pictures of label maps, as commands and from Python."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewpairs import Client, Model, Pool
from tests.fewpairs.conftest import Run


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_draft_is_kept_and_dropped(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """A draft comes back with the same pixels, with the revision that it goes on from and the time that it
    took; it annotates nothing, and it can be dropped.
    """
    pool.upload(photos / "images" / "0000.png")
    drawn = photos / "labels" / "0000.png"
    assert "You have no draft" in run("draft", "0000.png").output
    assert run("draft", "0000.png", "--out", tmp_path / "none.png").exit_code == 1
    assert run("draft", "0000.png", "--send", drawn, "--drop").exit_code == 1
    assert run("draft", "0000.png", "--send", drawn, "--revision", 3).exit_code == 0
    written = run("draft", "0000.png", "--out", tmp_path / "mine.png")
    assert "from revision 3" in " ".join(written.output.split()), written.output
    assert np.array_equal(pixels(tmp_path / "mine.png"), pixels(drawn))
    pool.keep_draft("0000.png", drawn, active_seconds=61.5)
    draft = pool.draft("0000.png")
    assert draft
    assert (draft.revision, draft.active_seconds) == (None, 61.5)
    assert draft.label_map.content == (tmp_path / "mine.png").read_bytes()
    assert "1 min of work" in run("draft", "0000.png").output
    assert pool.refresh().counts["annotated"] == 0
    assert run("draft", "0000.png", "--drop").exit_code == 0
    assert pool.draft("0000.png") is None


def test_an_option_that_would_mean_nothing_is_refused(
    run: Run, pool: Pool, photos: Path, tmp_path: Path
) -> None:
    """It is named, and nothing is written."""
    pool.upload(photos / "images" / "0000.png")
    target = tmp_path / "out.png"
    for words, named in (
        (["draft", "0000.png", "--revision", 3], "--send"),
        (["photo", "revisions", "0000.png", "--out", target], "--save"),
        (["photo", "thumbnail", "0000.png", "--out", target, "--label-map", "--evaluation", "1"], "one of"),
    ):
        refused = run(*words)
        assert (refused.exit_code, named in refused.output) == (1, True), refused.output
    assert not target.exists()


def test_an_earlier_revision_is_saved(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """`photo revisions` lists both label maps of a photo, and `--save` writes the first one."""
    pool.upload(photos / "images" / "0000.png")
    first, second = photos / "labels" / "0000.png", photos / "labels" / "0001.png"
    pool.annotate(first)
    pool.annotate(second, replace=True, pairs={"0001.png": "0000.png"})
    listed = run("photo", "revisions", "0000.png").output
    assert [line.split("│")[1].strip() for line in listed.splitlines() if "ground" in line] == ["2", "1"]
    for revision, drawn in ((1, first), (2, second)):
        target = tmp_path / f"{revision}.png"
        saved = run("photo", "revisions", "0000.png", "--save", revision, "--out", target)
        assert saved.exit_code == 0, saved.output
        assert np.array_equal(pixels(target), pixels(drawn))
    missing = run("photo", "revisions", "0000.png", "--save", 3, "--out", tmp_path / "3.png")
    assert (missing.exit_code, "no revision 3" in missing.output) == (1, True)


def test_small_pictures_are_in_the_colours_of_the_classes(
    run: Run, trained: Model, client: Client, tmp_path: Path
) -> None:
    """Of a photo a JPEG; of its label map, and of what a model predicted, PNGs with no colour but those of
    the classes and of what is unlabelled.
    """
    pool = client.pool("trained")
    evaluation = trained.evaluate().wait().evaluation.id
    name = next(evaluated["name"] for evaluated in client.evaluation(evaluation).images())
    table = pool.document["class_table"]
    colors = {(0, 0, 0), *(tuple(entry["color"]) for entry in table["classes"])}
    for words in ((), ("--label-map",), ("--evaluation", evaluation)):
        target = tmp_path / "small"
        made = run("photo", "thumbnail", name, "--pool", "trained", "--size", 32, "--out", target, *words)
        assert made.exit_code == 0, made.output
        with Image.open(target) as image:
            assert max(image.size) == 32
            assert image.format == ("PNG" if words else "JPEG")
            used = {color for _, color in image.convert("RGB").getcolors(32 * 32) or []}
        assert not words or used <= colors
