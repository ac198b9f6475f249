"""The commands of the README and of the guide do what the pages say, in the order of the pages."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from fewpairs import Client
from tests.fewpairs.conftest import running

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


# Adding a block to a page without testing it breaks the next lines. CI runs the first block as it is.
[_MAKE, LOOP] = blocks("README.md", "sh")
[PYTHON] = blocks("README.md", "python")
[WHY, WHICH, ANNOTATORS, CURL, EXPERIMENT] = blocks("docs/guide.md", "sh")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service that has only what its reader made."""
    with running(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="module")
def folder(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder after the shell loop."""
    folder = tmp_path_factory.mktemp("reader")
    run(folder, server, ["bash", "-euc", LOOP])
    return folder


@pytest.fixture(scope="module")
def second_round(folder: Path, server: str) -> Path:
    """A reader's folder after the guide's first commands."""
    run(folder, server, ["bash", "-euc", WHY])
    return folder


def run(folder: Path, server: str, command: list[str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "FEWPAIRS_SERVER": server}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def picks(selection: Path) -> set[str]:
    return {pick["name"] for pick in json.loads(selection.read_text())["picks"]}


def test_shell_loop(folder: Path) -> None:
    """The shell loop ends with ten photos to label and a label map for every test photo, of its size."""
    assert len(names(folder / "to-label")) == 10
    photos = sorted((folder / "street/val/images").iterdir())
    label_maps = sorted((folder / "translated").iterdir())
    assert [path.stem for path in label_maps] == [path.stem for path in photos]
    for photo, label_map in zip(photos, label_maps, strict=True):
        assert size(label_map) == size(photo)


def test_explained_and_selected_again(second_round: Path) -> None:
    """The selection is explained with a map, and the next ten are none of the first ten."""
    assert size(second_round / "why/map.png")[0] >= 1000
    assert names(second_round / "why") == {"map.png", "curve.png", "explanation.json"}
    assert len(picks(second_round / "round2.json")) == 10
    assert picks(second_round / "round2.json").isdisjoint(names(second_round / "to-label"))


def test_which_model(folder: Path, server: str) -> None:
    """The paper's method is trained beside the advised one, and is then the pool's newest model."""
    run(folder, server, ["bash", "-euc", WHICH])
    newest, advised = Client(server).pool("street").models()
    assert newest.method == "hybrid" != advised.method


def test_several_annotators(second_round: Path, server: str) -> None:
    """Two annotators hold different picks of one selection; one gets two more after labelling two."""
    run(second_round, server, ["bash", "-euc", ANNOTATORS])
    ana, ben = names(second_round / "ana"), names(second_round / "ben")
    assert (len(ana), len(ben)) == (6, 4)
    assert ana.isdisjoint(ben)
    assert ana | ben == picks(second_round / "round2.json")


def test_python_loop(folder: Path, server: str) -> None:
    """The Python lines end with the label map of a photo."""
    photo = next((folder / "street/val/images").iterdir())
    (folder / "a photo.jpg").write_bytes(photo.read_bytes())
    run(folder, server, [sys.executable, "-c", PYTHON])
    assert size(folder / "its label map.png") == size(photo)


def test_curl_loop(folder: Path, server: str) -> None:
    """The curl lines end with the label map of the picked photo."""
    assert "http://127.0.0.1:8000" in CURL
    run(folder, server, ["bash", "-euc", CURL.replace("http://127.0.0.1:8000", server)])
    assert size(folder / "label-map.png") == size(next((folder / "street/train/images").iterdir()))


@pytest.mark.slow  # eight trainings; test_experiment.py runs the command with three
def test_experiment(folder: Path, server: str) -> None:
    """The experiment writes its report, with a row for each training."""
    run(folder, server, ["bash", "-euc", EXPERIMENT])
    report = (folder / "experiments" / "curves-street-tiny" / "curves.md").read_text()
    for row in ("cyclegan | –", "pix2pix | 1", "hybrid | 20"):
        assert f"| {row} |" in report
