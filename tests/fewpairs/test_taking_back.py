"""What was done can be taken back, by the command line and by the client."""

from pathlib import Path

import pytest
from PIL import Image

from fewpairs import Client, FewpairsError, Pool
from tests.fewpairs.conftest import Run
from tests.processes import until


def test_withdraw(run: Run, pool: Pool, photos: Path) -> None:
    """`withdraw` leaves the photo unlabelled and `events` says so; without a label map it is refused.
    `revert` brings the label map back.
    """
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    name = next(pool.images())["name"]
    answer = run("withdraw", name)
    assert answer.exit_code == 0, answer.output
    assert pool.refresh().counts["annotated"] == 7
    assert "annotation withdrawn" in run("events").output
    with pytest.raises(FewpairsError, match="no label map"):
        pool.withdraw(name)
    assert run("revert", name).exit_code == 0
    assert pool.refresh().counts["annotated"] == 8
    assert pool.annotate(photos / "labels").unchanged == 8
    assert "Name photos" in run("revert").output


def test_leave_out_move_and_rename(run: Run, pool: Pool, photos: Path) -> None:
    """The commands change the photos and the pool, and `events` lists each change."""
    pool.upload(photos / "images")
    pool.select(1, strategy="random")  # waits for the embeddings
    first, second = [image["name"] for image in pool.images()][:2]
    for words in (
        ("photo", "exclude", first),
        ("photo", "include", first),
        ("photo", "move", second, "--split", "test"),
        ("photo", "rename", first, "new.png"),
    ):
        assert run(*words).exit_code == 0, words
    assert sorted(image["split"] for image in pool.images()) == ["test"] + ["train"] * 7
    assert pool.image_id("new.png")
    actions = [event["action"] for event in pool.events()]
    assert actions[:4] == ["renamed", "moved", "included", "excluded"]
    before = pool.name
    assert run("pool", "rename", before, f"{before} again").exit_code == 0
    assert pool.refresh().name == f"{before} again"


def test_a_replaced_photo_becomes_a_file(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """`photo replace` writes the old bytes into a file, which puts them back; no file is overwritten."""
    pool.upload(photos / "images")
    image = next(pool.images())
    with Image.open(photos / "images" / image["name"]) as old:
        old.rotate(180).save(tmp_path / "turned.png")
    words = ("photo", "replace", image["name"])
    kept = ("--keep", tmp_path / "old.png")
    assert run(*words, tmp_path / "turned.png", *kept).exit_code == 0
    assert next(pool.images())["sha256"] != image["sha256"]
    assert "exists already" in run(*words, tmp_path / "turned.png", *kept).output
    assert run(*words, tmp_path / "old.png", "--keep", tmp_path / "new.png").exit_code == 0
    assert next(pool.images())["sha256"] == image["sha256"]


def test_delete_and_undelete(run: Run, client: Client, pool: Pool, photos: Path) -> None:
    """Photos, jobs and pools are deleted and come back; a photo that is deleted now does not."""
    pool.upload(photos / "images")
    pool.select(1, strategy="random")
    first, second = [image["name"] for image in pool.images()][:2]
    gone = pool.image_id(second)
    assert run("photo", "delete", first).exit_code == 0
    assert [image["name"] for image in pool.deleted_photos()] == [first]
    assert run("photo", "undelete", first).exit_code == 0
    assert run("photo", "delete", second, "--now").exit_code == 0
    answer = run("photo", "undelete", gone).output
    assert "too late" in answer or "removed for good" in answer
    until(lambda: "removed" in {event["action"] for event in pool.events()}, "the removal")
    assert len(list(pool.images())) == 7
    assert run("delete", "pool", pool.name).exit_code == 0
    assert pool.id in {deleted.id for deleted in client.deleted_pools()}
    assert run("undelete", "pool", pool.name).exit_code == 0
    assert pool.refresh().counts["images"] == 7
    assert run("photo", "delete", first).exit_code == 0
    refused = run("upload", photos / "images").output
    assert "(`fewpairs photo delete" in refused
    assert run("photo", "delete", first, "--now").exit_code == 0
    until(lambda: pool.upload(photos / "images").new == 1, "the name is free")
    assert "photo" in run("delete", "photo", first).output
