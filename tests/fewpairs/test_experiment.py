"""`fewpairs experiment` as a user runs it, on a data set of a few small photos."""

import json
import os
import subprocess
import sys
from pathlib import Path

from models.catalog import STRATEGIES
from tests.models.test_experiments import write_dataset


def fewpairs(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fewpairs")), "experiment", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_table_on_a_users_data(tmp_path: Path) -> None:
    """Table 6 is trained and reported next to the paper's numbers; a second run trains nothing."""
    write_dataset(tmp_path / "data", train=4, val=2)
    command = ("table6", "--data", "data", "--steps", "2", "--seeds", "1", "--encoder", "efficientnet_lite0")
    first = fewpairs(*command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    out = tmp_path / "experiments" / "table6-data-tiny"
    assert {path.name for path in out.iterdir()} == {
        *("table6.json", "table6.md", "table6-curves.png", "table6-sheet.png")
    }
    report = json.loads((out / "table6.json").read_text())
    methods = ["FCN-8s", "FCN-8s, SGD", "hybrid", "probe", "finetune"]
    assert [row["cells"][0] for row in report["rows"]] == methods
    assert all(row["scores"]["mean_iou"]["n"] == 1 for row in report["rows"])
    assert "0.237" in first.stdout
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("experiments/runs/*/result.json")}
    assert len(trained) == 5
    assert fewpairs(*command, cwd=tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in trained} == trained


def test_what_cannot_be_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    """No data, an unknown table, a missing source: exit code 1, what to do, and no traceback."""
    write_dataset(tmp_path / "data", train=3, val=1)
    for arguments, sentence in (
        (("table6", "--data", "nowhere"), "needs train/ and val/"),
        (("table10", "--data", "data"), "choose one of table1"),
        (("table3", "--data", "data", "--encoder", "efficientnet_lite0"), "--labels near=DIR"),
        (("table6", "--data", "data", "--labels", "near"), "--labels takes NAME=DIR"),
    ):
        ended = fewpairs(*arguments, cwd=tmp_path)
        assert ended.returncode == 1
        assert sentence in " ".join(ended.stderr.split())
        assert "Traceback" not in ended.stderr


def test_strategies_on_a_users_data(tmp_path: Path) -> None:
    """Every strategy's picks are trained on and reported; a second run trains nothing. An option that has no
    effect is refused.
    """
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
    refused = fewpairs(*command, "--steps", "3", cwd=tmp_path)
    assert (refused.returncode, "leave them out" in refused.stderr) == (1, True)
