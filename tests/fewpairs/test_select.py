"""`select` as a command."""

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fewpairs import Client, JobFailed, Pool
from fewpairs.cli.select import embedding_so_far
from store.settings import Settings
from tests import drawings
from tests.fewpairs.conftest import Run
from tests.processes import until
from tests.service.serving import serve
from tests.service.steps import add_selection, embed, fail, selection_document, shown


def test_select_waits_prints_and_copies(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """Right after an upload `select` waits for the embedding; --copy-to writes the picked photos' bytes."""
    pool.upload(photos / "images")
    result = run("select", "--budget", 3, "--copy-to", tmp_path / "picked")
    assert result.exit_code == 0, result.output
    picks = pool.select(3)
    for pick in picks:
        assert pick.name in result.output
        copy = (tmp_path / "picked" / pick.name).read_bytes()
        assert copy == (photos / "images" / pick.name).read_bytes()
    assert len(list((tmp_path / "picked").iterdir())) == 3


def test_select_as_json_is_the_contracts_document(run: Run, pool: Pool, photos: Path) -> None:
    """--json prints the Selection and nothing else; asking again gives the same picks."""
    pool.upload(photos / "images")
    first, again = (json.loads(run("select", "--budget", 2, "--json").stdout) for _ in range(2))
    assert first["picks"] == again["picks"]
    assert [pick["rank"] for pick in first["picks"]] == [1, 2]
    assert first["receipt"]["image_count"] == 8


def test_selections_are_listed(run: Run, pool: Pool, photos: Path) -> None:
    """`selections` lists them, newest first, with how many of their picks are labelled; --split and --limit
    leave some out."""
    pool.upload(photos / "images")
    assert "no such selection" in run("selections").output
    older, newer = pool.select(3), pool.select(2, "random", seed=1)
    pool.annotate([photos / "labels" / pick.name for pick in older])
    listed = json.loads(run("selections", "--json").stdout)
    assert [item["id"] for item in listed] == [newer.id, older.id]
    assert (listed[0]["strategy"], listed[1]["pick_count"], listed[1]["labelled_count"]) == ("random", 3, 3)
    shown = run("selections", "--limit", 1).output
    assert (newer.id in shown, older.id in shown, "1 of 2" in shown) == (True, False, True)
    assert json.loads(run("selections", "--split", "test", "--json").stdout) == []
    assert (pool.selections().total, pool.newest_selection().document) == (2, newer.document)


def test_select_says_in_a_sentence_why_it_cannot(run: Run, pool: Pool, photos: Path) -> None:
    """An empty pool and a budget above its size end with the service's sentence and exit code 1; a budget
    above its size does not with --or-fewer."""
    empty = run("select", "--budget", 2)
    pool.upload(photos / "images")
    pool.select(1)
    too_many = run("select", "--budget", 9)
    assert "8 photos of" in run("select", "--budget", 9, "--or-fewer").output
    for result in (empty, too_many):
        assert result.exit_code == 1
        assert result.output.startswith("✗ ")
        assert "Traceback" not in result.output
    assert "9" in too_many.output


def test_only_candidates_are_picked(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """--candidates names a file with a name or an id in each line; a line that names no photo is refused."""
    pool.upload(photos / "images")
    listed = tmp_path / "candidates.txt"
    listed.write_text(f"0003.png\n\n{pool.image_id('0005.png')}\n")
    picked = run("select", "--budget", 2, "--candidates", listed, "--json")
    assert {pick["name"] for pick in json.loads(picked.stdout)["picks"]} == {"0003.png", "0005.png"}
    listed.write_text("0003.png\nnowhere.png\n")
    refused = run("select", "--budget", 1, "--candidates", listed)
    assert (refused.exit_code, "nowhere.png" in refused.output) == (1, True)


def test_a_value_that_is_refused_is_named_by_its_option(run: Run, pool: Pool, photos: Path) -> None:
    """The sentence names the option that was typed, not the parameter that the command sends."""
    pool.upload(photos / "images")
    pool.select(1)
    for words, option in (
        (["select", "--budget", 1, "--strategy", "best"], "--strategy"),
        (["select", "-b", 0, "--seed", -1], "--budget"),
        (["select", "-b", 0, "--seed", -1], "--seed"),
        (["train", "--recipe", "grand"], "--recipe"),
        (["jobs", "--state", "late"], "--state"),
    ):
        refused = run(*words)
        assert refused.exit_code == 1
        assert f" {option}: Input should be" in refused.output
        assert not re.search("query|body", refused.output)


def test_select_takes_what_it_waited_for(tmp_path: Path, photos: Path) -> None:
    """It is the selection that the job made, even if the pool has got another photo in the meantime."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=0)
    with serve(settings) as service, ThreadPoolExecutor() as thread, Client(str(service.base_url)) as client:
        pool = client.create_pool("growing", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images" / "0000.png")
        embed(service, pool.id)
        asked = thread.submit(pool.select, 1)
        until(lambda: list(pool.jobs(kind="select")), "a select job")
        [job] = pool.jobs(kind="select")
        document = selection_document(pool.id, list(pool.images()))
        pool.upload(photos / "images" / "0001.png")
        add_selection(service, job.document, document)
        assert asked.result(timeout=30).document == shown(document)


@pytest.mark.parametrize(
    ("split", "test_distance", "counts"),
    [("train", "auto", "9 of 12"), ("train", "off", "8 of 10"), ("test", "auto", "1 of 2")],
)
def test_select_tells_how_far_embedding_is(pool: Pool, split: str, test_distance: str, counts: str) -> None:
    """The counts are of the photos that the selection waits for; test photos count if it looks at them."""
    splits = {"train": {"images": 10, "embedded": 8}, "test": {"images": 2, "embedded": 1}}
    pool.document["counts"] = {"images": 12, "embedded": 9, **splits}
    assert embedding_so_far(pool, split, test_distance).endswith(counts)


def test_one_photo_is_no_plural(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """The commands use the singular for one photo."""
    pool.upload(photos / "images" / "0000.png")
    shown = "".join(
        run(*words).output
        for words in (
            ["select", "--budget", 1, "--copy-to", tmp_path / "picked"],
            ["explain"],
            ["assign", "--copy-to", tmp_path / "ana"],
            ["duplicates"],
        )
    )
    assert shown.count("1 photo copied") == 2
    assert "None of 1 photo is within" in shown
    assert not re.search(r"\b1 (photos|picks|images)\b", shown + repr(pool.refresh())), shown


def test_select_ends_when_embedding_fails_for_good(tmp_path: Path, photos: Path) -> None:
    """A failed job is tried again; if that fails too, waiting ends with the job's reason."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", embed_chunk=4)
    with serve(settings) as service:

        def fail_embedding(pool: Pool) -> None:
            for job in pool.jobs(state="queued", kind="embed"):
                fail(service, job.id, f"No weights ({next(failures)}).")

        failures = itertools.count(1)
        client = Client(str(service.base_url))
        pool = client.create_pool("unembeddable", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images")
        fail_embedding(pool)
        with pytest.raises(JobFailed, match=r"No weights \([34]\)"):
            pool.select(1, on_wait=fail_embedding)
        client.close()
    assert next(failures) == 5
