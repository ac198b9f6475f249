"""`similar` and `duplicates`, as commands and from Python."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fewpairs import Client, FewpairsError, Pool
from store.settings import Settings
from tests import drawings
from tests.fewpairs.conftest import Run
from tests.processes import until
from tests.service.serving import serve
from tests.service.steps import embed, succeed


@pytest.fixture
def embedded(pool: Pool, photos: Path) -> Pool:
    """Eight embedded photos, and a test photo that is a copy of the first."""
    pool.upload(photos / "images")
    first = photos / "test" / "copy.png"
    first.parent.mkdir()
    first.write_bytes((photos / "images" / "0000.png").read_bytes())
    pool.upload(first, split="test")
    pool.select(1)
    return pool


def test_a_photo_of_the_pool_has_neighbours(run: Run, embedded: Pool) -> None:
    """A photo given by name or id gets its nearest photos, without itself, in a table or as JSON."""
    result = run("similar", "0000.png", "--limit", 3)
    assert result.exit_code == 0, result.output
    found = embedded.similar("0000.png", limit=3)
    assert found.items[0].name == "copy.png"
    assert "0000.png" not in [image.name for image in found]
    for image in found:
        assert image.name in result.output
        assert f"{image.distance:.3f}" in result.output
    assert found.typical_distance
    assert f"two photos of the pool is {found.typical_distance:.3f}" in result.output
    by_name = json.loads(run("similar", "0000.png", "--limit", 3, "--json").stdout)
    assert by_name == found.document
    assert json.loads(run("similar", by_name["image_id"], "--limit", 3, "--json").stdout) == by_name


def test_a_file_is_searched_for(run: Run, embedded: Pool, tmp_path: Path) -> None:
    """A file that is not in the pool finds photos that look like it; --limit may exceed their number."""
    stranger = tmp_path / "stranger.png"
    stranger.write_bytes(drawings.png(drawings.drawing(500)[0]))
    found = embedded.similar(stranger, limit=100)
    assert len(found) == 9
    distances = [image.distance for image in found]
    assert distances == sorted(distances)
    assert distances[0] > 0
    assert embedded.refresh().counts["images"] == 9
    result = run("similar", stranger, "--limit", 1)
    assert found.items[0].name in result.output


def test_duplicates_are_shown_with_the_splits_they_cross(run: Run, embedded: Pool) -> None:
    """The copy is listed with its split and a warning; --json prints the service's document."""
    result = run("duplicates", "--within", 0)
    assert result.exit_code == 0, result.output
    assert "copy.png [test] (0.000)" in result.output
    assert "1 of 9 photos" in result.output
    assert "1 group with both train and test photos" in result.output
    found = embedded.duplicates(within=0)
    [[first, copy]] = found.groups
    assert (first.name, copy.name, found.duplicates) == ("0000.png", "copy.png", 1)
    assert repr(found) == "Duplicates(groups=1, within=0)"
    assert json.loads(run("duplicates", "--within", 0, "--json").stdout) == found.document
    assert embedded.duplicates().within > 0


def test_a_pool_without_duplicates_says_so(run: Run, pool: Pool, photos: Path) -> None:
    """Without duplicates, one sentence gives the threshold."""
    pool.upload(photos / "images")
    pool.select(1)
    result = run("duplicates", "--within", 1e-6)
    assert (result.exit_code, result.output.count("\n")) == (0, 1), result.output
    assert "None of 8 photos is within" in result.output


def test_what_cannot_be_searched_is_a_sentence(run: Run, pool: Pool) -> None:
    """An empty pool, an unknown name, and a distance that is no number: exit code 1."""
    for words in (
        ["similar", "none.png"],
        ["similar", Path(__file__)],
        ["duplicates"],
        ["duplicates", "--within", "near"],
        ["duplicates", "--within", -1],
    ):
        result = run(*words)
        assert result.exit_code == 1, result.output
        assert result.output.startswith("✗ ")
        assert "Traceback" not in result.output
    with pytest.raises(FewpairsError, match="There is no photo none"):
        pool.similar("none.png")


@pytest.mark.parametrize("by", ["file", "name"])
def test_an_answer_that_takes_long_is_waited_for(tmp_path: Path, photos: Path, by: str) -> None:
    """If the service answers before the job has ended, the client takes the job's result, even if the pool
    has got another photo in the meantime."""
    result = {
        **{"pool_id": str(uuid.uuid4()), "image_id": None, "images": 8, "typical_distance": 1.5},
        "items": [{"image_id": str(uuid.uuid4()), "name": "a.png", "split": "test", "distance": 0.5}],
    }
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=0)
    with serve(settings) as service, ThreadPoolExecutor() as thread, Client(str(service.base_url)) as client:
        pool = client.create_pool("slow", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images" / "0000.png")
        embed(service, pool.id)
        found = thread.submit(pool.similar, photos / "images" / "0000.png" if by == "file" else "0000.png")
        until(lambda: list(pool.jobs(kind="search")), "a search job")
        [job] = pool.jobs(kind="search")
        pool.upload(photos / "images" / "0001.png")
        embed(service, pool.id)
        succeed(service, job.id, result)
        assert found.result(timeout=30).document == result
