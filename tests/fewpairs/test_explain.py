"""`explain`, as a command and from Python."""

import json
from pathlib import Path

import pytest
from PIL import Image

from fewpairs import Pool
from tests import drawings
from tests.fewpairs.conftest import Run


def test_an_explanation_is_printed_and_written(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """It prints coverage, chance, knee and what each pick stands for; --out gets pictures and document."""
    pool.upload(photos / "images")
    selection = pool.select(3)
    result = run("explain", "--out", tmp_path / "why")
    assert result.exit_code == 0, result.output
    explanation = selection.explain()
    assert f"{explanation.coverage['mean']:.3f} on average" in result.output
    assert "1,000 random selections of 3" in result.output
    assert "not known yet" in result.output
    for pick in explanation.picks:
        assert pick["name"] in result.output
    assert json.loads((tmp_path / "why" / "explanation.json").read_text()) == explanation.document
    for name in ("map.png", "curve.png"):
        with Image.open(tmp_path / "why" / name) as picture:
            assert picture.format == "PNG"


def test_an_explanation_tells_what_the_picks_stand_for(pool: Pool, photos: Path) -> None:
    """Every photo is a point of the map and belongs to one pick; the numbers match the picks' counts."""
    pool.upload(photos / "images")
    explanation = pool.select(3).explain()
    members = {pick["rank"]: list(explanation.images_of(pick["rank"])) for pick in explanation.picks}
    assert {rank: len(found) for rank, found in members.items()} == {
        pick["rank"]: pick["count"] for pick in explanation.picks
    }
    names = sorted(member.name for found in members.values() for member in found)
    assert names == sorted(path.name for path in (photos / "images").iterdir())
    points = explanation.map()["points"]
    assert sorted(point["name"] for point in points) == names
    for point in points:
        assert point["name"] in [member.name for member in members[point["cluster"]]]


def test_the_newest_selection_is_explained_unless_one_is_named(run: Run, pool: Pool, photos: Path) -> None:
    """--json prints the document of the selection that was named."""
    pool.upload(photos / "images")
    older, newer = pool.select(2), pool.select(3)
    assert json.loads(run("explain", "--json").stdout)["selection_id"] == newer.document["id"]
    named = json.loads(run("explain", older.document["id"], "--json").stdout)
    assert named["selection_id"] == older.document["id"]


def test_a_selection_of_test_photos_is_explained_only_by_its_id(run: Run, pool: Pool, photos: Path) -> None:
    """Without an id, the newest selection of train photos is explained, as `assign` takes it too."""
    pool.upload(photos / "images")
    drawings.write(photos / "tests", range(100, 103))
    pool.upload(photos / "tests" / "images", split="test")
    of_test = pool.select(1, split="test")
    assert run("explain").exit_code == 1
    of_train = pool.select(2)
    pool.select(2, split="test")
    assert pool.explain().selection_id == of_train.id
    assert pool.assign().document["selection_id"] == of_train.id
    assert f"{of_test.id}: 1 photo" in run("explain", of_test.id).output


def test_cost_is_told_once_a_pick_was_annotated(run: Run, pool: Pool, photos: Path) -> None:
    """The cost follows the time from an annotator's assignment to the annotation."""
    pool.upload(photos / "images")
    selection = pool.select(2)
    [held] = pool.assign()
    pool.annotate(photos / "labels" / held.name)
    cost = selection.explain().cost
    assert cost
    assert cost["minutes"] == pytest.approx(2 * cost["minutes_per_image"])
    assert "an image (the annotators' median)" in run("explain").output


def test_a_pool_without_a_selection_cannot_be_explained(run: Run, pool: Pool) -> None:
    """Without a selection, a sentence says to ask for one first; an unknown id ends in a sentence too."""
    for words in (["explain"], ["explain", "00000000-0000-0000-0000-000000000000"]):
        result = run(*words)
        assert result.exit_code == 1, result.output
        assert result.output.startswith("✗ ")
        assert "select" in result.output


def test_the_knee_is_told_as_a_pick_of_this_curve(run: Run, pool: Pool, photos: Path) -> None:
    """The knee comes with its budget. A curve that is too short says how many picks it needs: one less if a
    photo is labelled, because the curve starts there."""
    pool.upload(photos / "images")
    pool.select(2)
    assert "needs at least 3 picks" in run("explain").output
    selection = pool.select(6)
    explanation = selection.explain()
    assert explanation.knee
    assert f"pick {explanation.knee} of 6" in run("explain").output
    pool.annotate(photos / "labels" / selection.picks[0].name)
    pool.select(1)
    assert "needs at least 2 picks" in run("explain").output
