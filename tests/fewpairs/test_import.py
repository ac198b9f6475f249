"""`fewpairs import` on exports of other tools."""

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from fewpairs import Client, Pool
from tests import export_kinds as kinds
from tests.access import WITH_KEY
from tests.fewpairs.conftest import Run, numbers

EXPORTS = {name: make() for name, make in kinds.TAKEN.items()}


def filled(client: Client, export: kinds.Export, folder: Path) -> Pool:
    """A pool with the photos of an export."""
    pool = client.create_pool(f"imports {next(numbers)}", classes=export.table)
    for number, name in enumerate(export.ids):
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (kinds.WIDTH, kinds.HEIGHT), (number, 90, 100)).save(path)
    pool.upload(folder / "photos")
    return pool


def unpacked(export: kinds.Export, folder: Path) -> Path:
    for path, content in export.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def answers(export: kinds.Export) -> list[str]:
    given = ((label, "unlabelled" if name is None else name) for label, name in export.mapping.items())
    return [word for label, name in given for word in ("--map", f"{label}={name}")]


def check(pool: Pool, export: kinds.Export) -> None:
    server = pool._transport.server
    for image in pool.images():
        content = httpx.get(f"{server}/images/{image['id']}/annotation", headers=WITH_KEY).content
        drawn = np.asarray(Image.open(io.BytesIO(content)))
        assert np.array_equal(drawn, export.ids[image["name"]]), image["name"]


@pytest.mark.parametrize("name", kinds.ONE_OF_EACH)
def test_exports_are_imported(run: Run, client: Client, name: str, tmp_path: Path) -> None:
    """An unpacked export annotates the photos with what its tool means."""
    export = EXPORTS[name]
    pool = filled(client, export, tmp_path)
    folder = unpacked(export, tmp_path / "export")
    result = run("import", pool.name, folder, "--format", export.format, "--yes", *answers(export))
    assert result.exit_code == 0, result.output
    assert f"{len(export.ids)} taken" in result.output
    assert ("under several regions" in result.output) == bool(export.overlapped)
    assert export.noted in result.output
    check(pool, export)


def test_what_would_happen_is_shown_and_asked(run: Run, client: Client, tmp_path: Path) -> None:
    """A dry run shows what would be taken and which labels are unknown, and changes nothing; without --yes an
    import asks first; answers are kept.
    """
    export = kinds.cvat()
    pool = filled(client, export, tmp_path)
    path = tmp_path / "export.zip"
    path.write_bytes(kinds.zipped(export.files))
    words = ("import", pool.name, path, "--format", "cvat")
    shown = run(*words, "--dry-run")
    assert shown.exit_code == 0
    assert "2 would be refused" in shown.output
    assert "--map 'background=…'" in shown.output
    asked = run(*words)
    assert asked.exit_code == 1
    assert "--map 'background=…'" in asked.output
    assert "Import?" not in asked.output
    assert pool.refresh().counts["annotated"] == 0
    refused = run(*words, *answers(export))  # there is nobody who could agree
    assert (refused.exit_code, "Import?" in refused.output) == (1, True)
    assert pool.refresh().counts["annotated"] == 0

    done = json.loads(run(*words, *answers(export), "--yes", "--json").output)
    assert {label["label"]: label["by"] for label in done["labels"]}["background"] == "mapping"
    assert done["taken"] == 2
    check(pool, export)
    again = run(*words, "--yes")
    assert again.exit_code == 0
    assert "2 unchanged" in again.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "cvat", "--map", "background"], "--map takes LABEL=CLASS"),
        (["--format", "cvat", "--map", "sky=heaven"], "heaven"),
        (["--format", "word"], "--format"),
    ],
)
def test_wrong_words_are_explained(
    run: Run, pool: Pool, words: list[str], sentence: str, tmp_path: Path
) -> None:
    """A wrong option is answered with what it takes."""
    (tmp_path / "labelmap.txt").write_text("sky:1,2,3::")
    result = run("import", pool.name, tmp_path, *words)
    assert result.exit_code == 1
    assert sentence in result.output


def test_a_missing_export(run: Run, pool: Pool, tmp_path: Path) -> None:
    """A path that does not exist is named."""
    result = run("import", pool.name, tmp_path / "none.zip", "--format", "voc")
    assert result.exit_code == 1
    assert "none.zip does not exist" in result.output


def test_exports_come_out_as_folders_and_zips(run: Run, client: Client, tmp_path: Path) -> None:
    """`fewpairs export` writes a new folder or zip, and `fewpairs import` finds nothing changed in it."""
    export = kinds.voc_own_labels()
    pool = filled(client, export, tmp_path)
    run("import", pool.name, unpacked(export, tmp_path / "export"), "--format", export.format, "--yes")
    for out in (tmp_path / "out", tmp_path / "out.zip"):
        made = run("export", pool.name, out, "--format", "supervisely")
        assert made.exit_code == 0, made.output
        assert "2 label maps in" in made.output
        assert "2 unchanged" in run("import", pool.name, out, "--format", "supervisely", "--yes").output
        assert run("export", pool.name, out, "--format", "coco").exit_code == 1
    assert (tmp_path / "out" / "ds0" / "ann" / "a.jpg.json").is_file()


def test_an_import_is_taken_back(run: Run, client: Client, tmp_path: Path) -> None:
    """Photos that were unlabelled are so again, and a label map that was replaced is back; what somebody has
    drawn since stays, and is named.
    """
    export = kinds.voc_own_labels()
    pool = filled(client, export, tmp_path)
    words = ("import", pool.name, unpacked(export, tmp_path / "export"), "--format", export.format, "--yes")
    ours, theirs = list(export.ids)
    own = tmp_path / "own" / Path(ours).with_suffix(".png")
    own.parent.mkdir(parents=True)
    Image.new("L", (kinds.WIDTH, kinds.HEIGHT), 0).save(own)
    pool.annotate(own.parent)
    result = run(*words, "--replace")
    assert result.exit_code == 0, result.output
    job = next(pool.jobs(kind="import"))
    assert f"fewpairs revert --import {job.id}" in result.output
    back = run("revert", "--import", job.id, "--pool", pool.name)
    assert "2 label maps of the import taken back" in back.output
    assert pool.annotate(own.parent).unchanged == 1
    assert [image["name"] for image in pool.images(annotated=False)] == [theirs]
    again = run("revert", "--import", job.id, "--pool", pool.name)
    assert [f"  {name}: annotated or changed since" in again.output for name in (ours, theirs)] == [True] * 2
