"""`pool` as a command."""

import csv
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewpairs import Client, Pool
from tests import drawings
from tests.fewpairs.conftest import Run


def test_pools_are_listed_and_shown(run: Run, pool: Pool) -> None:
    """`pool list` and `pool show` name the pool, its encoder and its classes."""
    assert pool.id in run("pool", "list").output
    assert pool.id in run("pool", "list", "--contains", pool.name.upper(), "--sort", "-name").output
    assert pool.id not in run("pool", "list", "--contains", f"not {pool.name}").output
    shown = run("pool", "show", pool.name).output
    assert "efficientnet_lite0" in shown
    assert "disc" in shown


def test_pool_create_takes_a_class_table_or_rgb(run: Run, tmp_path: Path, client: Client) -> None:
    """A JSON class table makes a class pool, --rgb one without classes; a name is taken only once."""
    table = tmp_path / "classes.json"
    table.write_text(json.dumps(drawings.CLASS_TABLE))
    assert run("pool", "create", "created", "--classes", table).exit_code == 0
    assert run("pool", "create", "created rgb", "--rgb", "--default-strategy", "facility").exit_code == 0
    assert client.pool("created").document["class_table"] == drawings.CLASS_TABLE
    assert client.pool("created rgb").is_rgb
    assert client.pool("created rgb").document["default_strategy"] == "facility"
    for words in (["created", "--rgb"], ["neither"], ["x", "--classes", tmp_path / "none.json"]):
        refused = run("pool", "create", *words)
        assert refused.exit_code == 1
        assert refused.output.startswith("✗ ")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nroad:128,64,128::\n\nparked car:0,0,142::wheel\nsky:::\n",
        ),
        ("label_colors.txt", "128 64 128\troad\n0 0 142\t\tparked car\n70 130 180 sky\n"),
    ],
)
def test_class_tables_of_other_tools_are_read(
    run: Run, tmp_path: Path, client: Client, file: str, text: str
) -> None:
    """CVAT's and CamVid's lists give names and colours in their order; where CVAT gives no colour, one is
    chosen."""
    path = tmp_path / file
    path.write_text(text)
    assert run("pool", "create", f"from {file}", "--classes", path).exit_code == 0
    classes = client.pool(f"from {file}").document["class_table"]["classes"]
    assert [entry["name"] for entry in classes] == ["road", "parked car", "sky"]
    assert [entry["color"] for entry in classes[:2]] == [[128, 64, 128], [0, 0, 142]]
    assert len(classes[2]["color"]) == 3


def test_a_list_of_classes_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    """The sentence names the line."""
    path = tmp_path / "labelmap.txt"
    path.write_text("road:128,64,128::\nnot a class\n")
    refused = run("pool", "create", "refused", "--classes", path)
    assert refused.exit_code == 1
    assert "line 2" in refused.output


def test_known_tables_are_listed(run: Run, client: Client) -> None:
    """`pool tables` and the client have each known table with all of its classes."""
    tables = client.class_tables()
    assert {entry["name"] for entry in tables["camvid"]["classes"]} >= {"Sky", "Road"}
    assert json.loads(run("pool", "tables", "--json").output) == tables
    listed = run("pool", "tables").output
    assert all(name in listed for name in tables)


def test_a_known_table_is_named_by_a_word(run: Run, client: Client) -> None:
    """`--classes voc` makes a pool of VOC's classes; another word is refused with those that exist."""
    assert run("pool", "create", "of voc", "--classes", "voc").exit_code == 0
    assert len(client.pool("of voc").document["class_table"]["classes"]) == 21
    refused = run("pool", "create", "of magic", "--classes", "magic")
    assert (refused.exit_code, "cityscapes" in refused.output) == (1, True)


def test_classes_change_from_the_command_line(run: Run, pool: Pool) -> None:
    """`pool classes` appends, renames and recolours, and takes the last class out; a malformed colour is a
    sentence.
    """
    words = [
        "--append",
        "mark",
        "--append",
        "edge=#010203",
        "--rename",
        "disc=circle",
        "--color",
        "disc=#0a0b0c",
    ]
    changed = run("pool", "classes", pool.name, *words)
    assert changed.exit_code == 0, changed.output
    assert "circle" in changed.output
    classes = pool.refresh().document["class_table"]["classes"]
    assert [entry["name"] for entry in classes] == [
        "ground",
        "block",
        "circle",
        "never drawn",
        "mark",
        "edge",
    ]
    assert [classes[place]["color"] for place in (2, 5)] == [[10, 11, 12], [1, 2, 3]]
    assert run("pool", "classes", pool.name, "--remove", "edge").exit_code == 0
    assert pool.refresh().document["class_table"]["classes"] == classes[:5]
    for wrong in (["--color", "disc=red"], ["--rename", "disc"], ["--remove", "circle"]):
        refused = run("pool", "classes", pool.name, *wrong)
        assert refused.exit_code == 1
        assert refused.output.startswith("✗ ")


def test_a_pool_is_exported_and_known_where_it_is(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """`pool export` writes the pool into a file, and `pool import` says that the pool is here already."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    file = tmp_path / "moved" / "pool.zip"
    exported = run("pool", "export", pool.name, file)
    assert exported.exit_code == 0, exported.output
    with zipfile.ZipFile(file) as zip:
        assert len([name for name in zip.namelist() if name.startswith("blobs/")]) >= 16
    refused = run("pool", "import", file, "--name", "another")
    assert refused.exit_code == 1
    assert f"already on this server, as {pool.name}" in refused.output
    file.write_bytes(b"no zip")
    assert "cannot be read as the archive of a pool" in run("pool", "import", file).output


def test_a_pool_is_shared_from_the_command_line(run: Run, pool: Pool) -> None:
    """`pool share` gives a role in place of the earlier one, `pool members` lists it, `pool unshare` takes it
    away; a name that nobody has is refused.
    """
    [(me, role)] = pool.members().items()
    assert role == "curator"
    assert run("pool", "share", pool.name, me, "--role", "viewer").exit_code == 0
    assert json.loads(run("pool", "members", pool.name, "--json").output) == {me: "viewer"}
    assert run("pool", "unshare", pool.name, me).exit_code == 0
    assert pool.members() == {}
    refused = run("pool", "share", pool.name, "nobody at all")
    assert (refused.exit_code, "nobody at all" in refused.output) == (1, True)


def test_a_map_is_written(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """The CSV has a line for each photo with its place, and with its share of a class if one is named; the
    JSON is the client's map; another kind of file is refused.
    """
    pool.upload(photos / "images")
    pool.annotate(photos / "labels" / "0000.png")
    pool.select(1, strategy="random")  # waits for the embeddings
    assert run("pool", "map", pool.name, "--out", tmp_path / "map.json").exit_code == 0
    assert json.loads((tmp_path / "map.json").read_text()) == pool.map()
    words = ("--share-of", "block", "--out", tmp_path / "map.csv")
    assert run("pool", "map", pool.name, *words).exit_code == 0
    with (tmp_path / "map.csv").open(newline="") as file:
        rows = {row["image_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {image["id"] for image in pool.images()}
    labelled = rows.pop(pool.image_id("0000.png"))
    drawn = np.asarray(Image.open(photos / "labels" / "0000.png"))
    assert float(labelled["share"]) == pytest.approx((drawn == 1).sum() / (drawn != 255).sum(), abs=1e-4)
    assert {(row["labelled"], row["share"]) for row in rows.values()} == {("0", "")}
    assert run("pool", "map", pool.name, "--out", tmp_path / "map.png").exit_code == 1


def test_scenes_are_drawn_into_a_pool(run: Run, client: Client) -> None:
    """`pool scenes` makes a pool of drawn photos, a quarter of which are labelled test photos; from Python
    all of them can be labelled.
    """
    drawn = run("pool", "scenes", "drawn scenes", "--count", 4)
    assert drawn.exit_code == 0, drawn.output
    pool = client.pool("drawn scenes")
    assert [pool.counts[name]["annotated"] for name in ("train", "test")] == [0, 1]
    assert (pool.counts["train"]["images"], pool.counts["test"]["images"]) == (3, 1)
    pool.draw_scenes(2, seed=1, labelled="all").wait(timeout=60)
    counts = pool.refresh().counts
    assert (counts["images"], counts["annotated"]) == (6, 3)


def test_a_pool_is_followed(pool: Pool, server: str) -> None:
    """`events --follow` prints each act as it happens, until it is interrupted."""
    command = [sys.executable, "-m", "fewpairs", "events", "--follow", "--json", "--kind", "pool"]
    environment = os.environ | {"FEWPAIRS_SERVER": server, "FEWPAIRS_POOL": pool.id}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        assert json.loads(following.stdout.readline())["event"] == "following"
        name = pool.name
        pool.share("admin", "viewer")
        pool.rename(f"{name} followed")
        told = json.loads(following.stdout.readline())
        assert (told["event"], told["data"]["action"]) == ("event", "renamed")
        following.send_signal(signal.SIGINT)
        assert following.wait() == 0
