"""The README's commands do what they say, in the order in which they stand there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader is after the shell loop."""
    folder = tmp_path_factory.mktemp("reader")
    [loop] = [block for block in blocks("sh") if block.startswith("fewpairs scenes")]
    run(folder, server, ["bash", "-euc", loop])
    return folder


def run(folder: Path, server: str, command: list[str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "FEWPAIRS_SERVER": server}
    environment["FEWPAIRS_POOL"] = "street"  # the tests' service has other pools, a reader's has this one
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_shell_loop(folder: Path) -> None:
    """The shell loop ends with ten photos to label and a label map for every test photo, of its size."""
    assert len(list((folder / "to-label").iterdir())) == 10
    photos = sorted((folder / "street/val/images").iterdir())
    label_maps = sorted((folder / "translated").iterdir())
    assert [path.stem for path in label_maps] == [path.stem for path in photos]
    for photo, label_map in zip(photos, label_maps, strict=True):
        assert size(label_map) == size(photo)


def test_which_ten_and_why(folder: Path, server: str) -> None:
    """The selection is explained, the next one is replayed, and five of its picks are in one hand."""
    [commands] = [block for block in blocks("sh") if block.startswith("fewpairs explain")]
    run(folder, server, ["bash", "-euc", commands])
    assert size(folder / "why/map.png")[0] >= 1000
    assert len(list((folder / "ana").iterdir())) == 5
    picks = {pick["name"] for pick in json.loads((folder / "round2.json").read_text())["picks"]}
    assert {path.name for path in (folder / "ana").iterdir()} <= picks
    assert picks.isdisjoint(path.name for path in (folder / "to-label").iterdir())


def test_python_loop(folder: Path, server: str) -> None:
    """The Python lines end with the label map of a photo."""
    [code] = blocks("python")
    photo = next((folder / "street/val/images").iterdir())
    (folder / "a photo.jpg").write_bytes(photo.read_bytes())
    run(folder, server, [sys.executable, "-c", code])
    assert size(folder / "its label map.png") == size(photo)


def test_curl_loop(folder: Path, server: str) -> None:
    """The curl lines end with the label map of the picked photo."""
    [loop] = [block for block in blocks("sh") if "curl" in block]
    run(folder, server, ["bash", "-euc", loop.replace("http://127.0.0.1:8000", server)])
    assert size(folder / "label-map.png") == size(next((folder / "street/train/images").iterdir()))


def test_experiment(folder: Path, server: str) -> None:
    """The experiment ends with its report, which has the paper's numbers beside those of two trainings."""
    [experiment] = [block for block in blocks("sh") if block.startswith("fewpairs experiment")]
    run(folder, server, ["bash", "-euc", experiment])
    report = (folder / "experiments" / "table6-street-tiny" / "table6.md").read_text()
    assert "| FCN-8s | 20 | – |" in report
    assert "0.237" in report
