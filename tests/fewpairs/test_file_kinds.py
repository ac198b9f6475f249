"""Names, archives and folders of many kinds through the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewpairs import Pool
from fewpairs.cli import app
from tests import file_kinds as kinds
from tests.fewpairs.conftest import Run


@pytest.mark.parametrize("kind", kinds.FOLDERS)
def test_a_folder_is_sent_as_it_is_meant(run: Run, pool: Pool, tmp_path: Path, kind: str) -> None:
    """Photos and label maps go where the folders' names say, and everything else is named or counted; sent
    again, everything is there already.
    """
    folder = kinds.FOLDERS[kind]()
    given = kinds.write_folder(folder.files, tmp_path)
    result = run("upload", given, "--yes")
    assert result.exit_code == int(folder.refused), result.output
    images = list(pool.images())
    assert {image["name"] for image in images} == folder.stored
    assert {image["name"] for image in images if image["annotation_revision"]} == folder.annotated
    assert {image["name"] for image in images if image["split"] == "test"} == folder.tested
    assert [words for words in folder.said if words not in result.output] == []
    again = run("upload", given, "--yes")
    assert " new" not in again.output.replace("renew", "")
    assert len(list(pool.images())) == len(images)


def test_names_and_archives_are_as_the_interface_takes_them(run: Run, pool: Pool, tmp_path: Path) -> None:
    """Of each archive the photos are stored under their paths; each other file is named with the reason, or
    counted as junk; a harmful archive is refused whole.
    """
    for number, (kind, make) in enumerate(kinds.ARCHIVES.items()):
        archive = make()
        path = tmp_path / f"{number}.{'tar' if archive.media_type == kinds.TAR else 'zip'}"
        path.write_bytes(archive.content)
        result = run("upload", path, "--yes", "--under", f"from {number}")
        stored = {image["name"] for image in pool.images() if image["name"].startswith(f"from {number}/")}
        assert stored == {f"from {number}/{name}" for name in archive.stored}, kind
        if archive.refusal:
            assert (result.exit_code, archive.refusal[1] in result.output) == (1, True), kind
        for name, reason in archive.rejected.items():
            lines = [line for line in result.output.splitlines() if f"{path.name}/" in line or name in line]
            assert any(name in line and reason in line for line in lines), (kind, name)
        for folder in archive.left_out:
            assert folder in result.output
        assert not archive.junk or f"{archive.junk} hidden or system files" in result.output


def test_files_with_look_alike_names_are_refused_one_by_one(run: Run, pool: Pool, tmp_path: Path) -> None:
    """A file whose name cannot be is named with its code point, and the others are sent."""
    names = {
        kind: name
        for kind, (name, _) in kinds.NAMES_REFUSED.items()
        if "\0" not in name and "/" not in name and len(name) < 200
    }
    for seed, name in enumerate(["good.png", *names.values()]):
        (tmp_path / name).write_bytes(kinds.photo(seed))
    result = run("upload", tmp_path)
    assert result.exit_code == 1
    assert f"{len(names)} refused" in result.output
    for kind in names:
        assert kinds.NAMES_REFUSED[kind][1] in result.output, kind
    assert [image["name"] for image in pool.images()] == ["good.png"]


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 3), ("n\n", 0), ("", 0)])
def test_a_folder_with_label_maps_is_asked_about(
    server: str, pool: Pool, tmp_path: Path, answer: str, sent: int
) -> None:
    """Without --yes the user sees what was found and decides; without an answer nothing is sent."""
    given = kinds.write_folder(kinds.FOLDERS["images and labels"]().files, tmp_path)
    result = CliRunner().invoke(
        app, ["upload", str(given)], input=answer, env={"FEWPAIRS_SERVER": server, "FEWPAIRS_POOL": pool.name}
    )
    assert "2 label maps in labels" in result.output
    assert ("--yes" in result.output) == (not sent)
    assert pool.refresh().counts["images"] == sent


def test_pairs_of_a_file_decide_what_names_cannot(run: Run, pool: Pool, tmp_path: Path) -> None:
    """An ambiguous label map is listed with its choices; --pairs makes the choice."""
    photos = {f"given/day{n}/1.png": kinds.photo(n) for n in range(2)}
    run("upload", kinds.write_folder(photos, tmp_path))
    drawn = tmp_path / "drawn" / "1.png"
    drawn.parent.mkdir()
    drawn.write_bytes(kinds.label_map(1))
    refused = run("annotate", drawn.parent)
    assert refused.exit_code == 1
    assert "day0/1.png, day1/1.png" in refused.output
    (tmp_path / "pairs.csv").write_text("label_map,photo\n1.png,day1/1.png\n")
    assert run("annotate", drawn.parent, "--pairs", tmp_path / "pairs.csv").exit_code == 0
    revisions = {image["name"]: image["annotation_revision"] for image in pool.images()}
    assert revisions == {"day0/1.png": None, "day1/1.png": 1}
    (tmp_path / "pairs.csv").write_text("label_map,photo\n2.png,day1/1.png\n")
    assert "names 2.png" in run("annotate", drawn.parent, "--pairs", tmp_path / "pairs.csv").output


def test_a_folder_of_label_maps_is_not_a_folder_of_photos(run: Run, pool: Pool, tmp_path: Path) -> None:
    """Label maps that are sent as photos by mistake are refused, each with the way to insist."""
    for number, make in enumerate(kinds.LABEL_MAPS.values()):
        (tmp_path / f"{number}.png").write_bytes(make())
    result = run("upload", tmp_path)
    assert result.exit_code == 1
    assert result.output.count("(looks-like-label-map)") == len(kinds.LABEL_MAPS)
    assert run("upload", tmp_path, "--allow-label-maps").exit_code == 0
    assert pool.refresh().counts["images"] == len(kinds.LABEL_MAPS)


def test_photos_with_the_same_bytes_are_named(run: Run, pool: Pool, tmp_path: Path) -> None:
    """The upload takes both and says which one is a copy of which."""
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(kinds.photo(len(name) + (name == "c.png")))
    assert run("upload", tmp_path / "a.png").exit_code == 0
    result = run("upload", tmp_path)
    assert "1 photo with the bytes of another one" in result.output
    assert "b.png: It has the same bytes as a.png" in result.output
