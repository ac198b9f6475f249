"""`fewpairs experiment` as a user runs it, on a data set of a few small photos."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fewpairs.cli import app
from models.catalog import STRATEGIES
from tests.models.test_experiments import write_dataset


def fewpairs(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fewpairs")), "experiment", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_table_on_a_users_data(tmp_path: Path) -> None:
    """Table 5 is trained and reported next to the paper's numbers; a second run trains nothing."""
    # Images without classes leave out the methods beyond the paper, which take longest.
    write_dataset(tmp_path / "data", train=4, val=2, rgb=True)
    command = ("table5", "--data", "data", "--steps", "2", "--seeds", "1", "--encoder", "efficientnet_lite0")
    first = fewpairs(*command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    out = tmp_path / "experiments" / "table5-data-tiny"
    assert {path.name for path in out.iterdir()} == {
        *("table5.json", "table5.md", "table5-curves.png", "table5-sheet.png")
    }
    report = json.loads((out / "table5.json").read_text())
    assert [row["cells"] for row in report["rows"]] == [["full"], ["w/o cycle"], ["w/o idt"]]
    assert all(row["scores"]["mean_absolute_error"]["n"] == 1 for row in report["rows"])
    assert "0.237" in first.stdout
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("experiments/runs/*/result.json")}
    assert len(trained) == 3
    assert fewpairs(*command, cwd=tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in trained} == trained


def test_what_cannot_be_run_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data, an unknown table, a missing source, an option without effect: exit code 1 and what to do."""
    write_dataset(tmp_path / "data", train=3, val=1)
    monkeypatch.chdir(tmp_path)
    for arguments, sentence in (
        (("table6", "--data", "nowhere"), "needs train/ and val/"),
        (("table10", "--data", "data"), "choose one of table1"),
        (("table3", "--data", "data", "--encoder", "efficientnet_lite0"), "--labels near=DIR"),
        (("table6", "--data", "data", "--labels", "near"), "--labels takes NAME=DIR"),
        (("strategies", "--data", "data", "--steps", "3"), "leave them out"),
    ):
        ended = CliRunner().invoke(app, ["experiment", *arguments])
        assert (ended.exit_code, sentence in " ".join(ended.stderr.split())) == (1, True), ended.stderr


def test_strategies_on_a_users_data(tmp_path: Path) -> None:
    """Every strategy's picks are trained on and reported; a second run trains nothing."""
    write_dataset(tmp_path / "data", train=5, val=1)
    command = ("strategies", "--data", "data", "--encoder", "efficientnet_lite0", "--seeds", "2")
    first = fewpairs(*command, "--draws", "2", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    out = tmp_path / "experiments" / "strategies-data"
    assert {path.name for path in out.iterdir()} == {f"strategies.{kind}" for kind in ("json", "md", "png")}
    report = json.loads((out / "strategies.json").read_text())
    assert {row["strategy"] for row in report["rows"]} == set(STRATEGIES)
    assert {row["budget"] for row in report["rows"]} == {1, 2}
    (scores,) = tmp_path.glob("experiments/strategies-scores-*.jsonl")
    before = scores.read_bytes()
    assert fewpairs(*command, "--draws", "2", cwd=tmp_path).returncode == 0
    assert scores.read_bytes() == before
