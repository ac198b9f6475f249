"""`fewpairs annotate` on folders of label maps as people have them."""

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from fewpairs import Client, Pool
from tests import label_map_kinds as kinds
from tests.access import WITH_KEY
from tests.fewpairs.conftest import Run, numbers


@pytest.fixture
def pool(client: Client) -> Pool:
    return client.create_pool(f"farm {next(numbers)}", classes=kinds.FARM)


def write(folder: Path, files: dict[str, bytes], size: tuple[int, int]) -> None:
    """A photo for each label map, and the label maps; they have the suffix .png, whatever they are."""
    for part in ("photos", "label maps"):
        (folder / part).mkdir()
    for number, (name, content) in enumerate(files.items()):
        photo = Image.new("RGB", size, (number, 2 * number, 100))
        photo.save(folder / "photos" / f"{name}.png")
        (folder / "label maps" / f"{name}.png").write_bytes(content)


def of_farm(made: dict[str, kinds.Made]) -> dict[str, kinds.Kind]:
    return {
        name: kind
        for name, kind in ((name, make()) for name, make in made.items())
        if kind.table is kinds.FARM
    }


def test_a_folder_of_all_kinds_is_taken(run: Run, pool: Pool, server: str, tmp_path: Path) -> None:
    """Each file counts as the classes that it means; sent again, each is there already."""
    taken = of_farm(kinds.TAKEN)
    write(tmp_path, {name: kind.content for name, kind in taken.items()}, (kinds.WIDTH, kinds.HEIGHT))
    pool.upload(tmp_path / "photos")
    result = run("annotate", tmp_path / "label maps")
    assert result.exit_code == 0, result.output
    assert f"{len(taken)} new" in result.output
    for image in pool.images():
        content = httpx.get(f"{server}/images/{image['id']}/annotation", headers=WITH_KEY).content
        expected = taken[image["name"].removesuffix(".png")].ids
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), expected), image["name"]
    assert f"{len(taken)} there already" in run("annotate", tmp_path / "label maps").output


def test_a_folder_of_wrong_files_is_refused_file_by_file(run: Run, pool: Pool, tmp_path: Path) -> None:
    """Each file is named with what is wrong in it, and none is taken."""
    refused = of_farm(kinds.REFUSED)
    write(tmp_path, {name: kind.content for name, kind in refused.items()}, (kinds.WIDTH, kinds.HEIGHT))
    pool.upload(tmp_path / "photos")
    result = run("annotate", tmp_path / "label maps")
    assert result.exit_code == 1
    lines = {name: next(x for x in result.output.splitlines() if f"/{name}.png:" in x) for name in refused}
    for name, kind in refused.items():
        assert f"({kind.problem})" in lines[name]
        assert [word for word in kind.words if word not in lines[name]] == []
    assert pool.refresh().counts["annotated"] == 0
