from __future__ import annotations

import fcntl
import hashlib
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from models.catalog import METHODS, MethodFacts
from models.training.data import Batch
from models.training.methods.hybrid import Hybrid
from models.training.run_directory import RunDirectory, RunInUse
from models.training.schedule import constant_then_linear
from models.training.trainer import TrainingDiverged, UnusableRun, train
from models.translation.artifacts import load_model
from tests.models.runs import (
    Stop,
    losses,
    metric_lines,
    poison,
    resumable_spec,
    small_spec,
    train_until,
    write_run,
)

KILL = """
import os, signal, sys
from pathlib import Path
from models.training.trainer import train
step = int(sys.argv[2])
train(Path(sys.argv[1]), "cpu", lambda done, total: done == step and os.kill(os.getpid(), signal.SIGKILL))
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that `python -m models.training` completed without a warning."""
    spec = small_spec("hybrid", total_steps=9, log_every=2, sample_every=6)
    run_dir = write_run(tmp_path_factory.mktemp("finished"), spec)
    completed = run_python("-W", "error", "-m", "models.training", str(run_dir), "--device", "cpu")
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
    return run_dir


def test_a_finished_run_has_its_result(finished: Path) -> None:
    """model/ holds weights, ONNX, spec and sheet, and result.json describes exactly these files."""
    result = json.loads((finished / "result.json").read_text())
    names = ["label_to_photo.safetensors", "photo_to_label.onnx", "photo_to_label.safetensors"]
    assert sorted(result["files"]) == sorted([*names, "samples.png", "spec.json"])
    for name, file in result["files"].items():
        content = (finished / "model" / name).read_bytes()
        assert file == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert result["steps"] == 9
    assert result["losses"] == metric_lines(finished)[-1]["losses"]
    assert [path.name for path in (finished / "samples").iterdir()] == ["step-6.png"]


def test_the_model_holds_the_trained_weights(finished: Path) -> None:
    """photo_to_label is G_XY and label_to_photo G_YX of the last checkpoint."""
    checkpoint = load_file(finished / "checkpoint.safetensors")
    for name, network_name in (("photo_to_label", "G_XY"), ("label_to_photo", "G_YX")):
        network, spec = load_model(finished / "model", name)
        assert spec.training.method == "hybrid"
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, checkpoint[f"networks/{network_name}/{key}"])


def test_metrics_have_one_line_per_logged_step(finished: Path) -> None:
    """Every second step and the last one are logged, with losses, learning rate, speed and memory."""
    lines = metric_lines(finished)
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 9]
    assert all(line["total"] == 9 for line in lines)
    assert all(line["steps_per_second"] > 0 and line["peak_memory_bytes"] > 1e7 for line in lines)
    names = {"G", "G_gan", "G_cycle", "G_identity", "D_X", "D_Y"}
    assert all(names <= line["losses"].keys() <= names | {"G_l1"} for line in lines)
    # Steps 0 to 3 of 9 are at the full rate, then it falls by a fifth each step.
    rates = [line["learning_rate"] / 2e-4 for line in lines]
    assert rates == pytest.approx([1, 1, 4 / 5, 2 / 5, 1 / 5])


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    """Training a finished run again changes no file and takes no step."""
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != "lock"}
    train(finished, "cpu", lambda done, total: pytest.fail("a step was taken"))
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("total", [1, 2, 9, 400])
def test_learning_rate_curve(total: int) -> None:
    """The rate is constant for the first half, then falls on a straight line to 0 one step after the last."""
    half = total // 2
    curve = [constant_then_linear(step, total) for step in range(total)]
    assert curve[:half] == [1.0] * half
    assert curve[half:] == pytest.approx([1 - k / (total - half) for k in range(total - half)])
    assert constant_then_linear(total, total) == 0


def test_a_run_killed_at_any_step_ends_bit_identical(tmp_path: Path) -> None:
    """SIGKILL before the first checkpoint, between two, or right at one does not change weights or losses."""
    whole = write_run(tmp_path / "whole", resumable_spec("hybrid"))
    killed = write_run(tmp_path / "killed", resumable_spec("hybrid"))
    train(whole, "cpu")
    for step in (3, 7, 8):
        assert run_python("-c", KILL, str(killed), str(step)).returncode == -9
    train(killed, "cpu")
    assert losses(killed) == losses(whole)
    for name in ("checkpoint.safetensors", "model/photo_to_label.safetensors", "model/photo_to_label.onnx"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()


def test_a_run_that_is_watched_trains_as_one_that_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Unless it is told how often, it draws a sheet every eighth of its steps, and is scored as often, but
    only when its losses are logged; a run with fewer steps than photos is scored at its end alone. The
    weights and the losses are those of a run that nobody watched, bit for bit, and also when it was killed.
    Its log tells the mean IoU over the classes that there are.
    """
    caplog.set_level("INFO")
    spec = small_spec("finetune", total_steps=16, log_every=4, sample_every=None)
    plain = write_run(tmp_path / "plain", replace(spec, sample_every=1000))
    train(plain, "cpu")
    items = json.loads((plain / "manifest.json").read_text())["pairs"]
    watched = write_run(tmp_path / "watched", spec, validation={"every": None, "items": items})
    train_until(watched, 7)
    train(watched, "cpu")

    lines = metric_lines(watched)
    assert [line["step"] for line in lines if "validation" in line] == [4, 8, 12, 16]
    assert [line["losses"] for line in lines] == [line["losses"] for line in metric_lines(plain)]
    assert all(0 <= line["validation"]["mean_iou"] <= 1 for line in lines if "validation" in line)
    sheets = {path.name for path in (watched / "samples").iterdir()}
    assert sheets == {f"step-{step}.png" for step in range(2, 15, 2)}
    weights = "model/photo_to_label.safetensors"
    assert (watched / weights).read_bytes() == (plain / weights).read_bytes()

    once = {"every": None, "items": [[items[0][0], "data/one.png"]]}
    short = write_run(tmp_path / "short", small_spec("pix2pix", total_steps=1), validation=once)
    Image.new("L", (64, 48)).save(short / "data" / "one.png")
    caplog.clear()
    train(short, "cpu")
    [line] = metric_lines(short)
    scores = line["validation"]
    assert scores["mean_iou"] != scores["mean_iou_present"]
    assert any(message.endswith(f"mean IoU {scores['mean_iou_present']:.4g}") for message in caplog.messages)


def test_a_run_that_is_finished_early_is_the_run_up_to_that_step(tmp_path: Path) -> None:
    """It ends after the step that it is at, with the losses of the whole run so far and a model of its own;
    killed after it was asked, it ends after the same step with the same weights.
    """
    whole, asked, killed = (write_run(tmp_path / name, resumable_spec("hybrid")) for name in ("w", "a", "k"))
    train(whole, "cpu")

    def ask(run_dir: Path, die: bool = False) -> Any:
        def after(done: int, total: int) -> None:
            if done == 5:
                RunDirectory(run_dir).ask_to_finish()
            if done == 6 and die:
                raise Stop

        return after

    train(asked, "cpu", ask(asked))
    with pytest.raises(Stop):
        train(killed, "cpu", ask(killed, die=True))
    (killed / "checkpoint.safetensors").unlink()
    train(killed, "cpu")

    assert losses(asked) == losses(killed) == losses(whole)[: len(losses(asked))]
    for run_dir in (asked, killed):
        assert json.loads((run_dir / "result.json").read_text())["steps"] == 6
        assert metric_lines(run_dir)[-1]["step"] == 6
    for name in ("checkpoint.safetensors", "model/photo_to_label.safetensors", "model/photo_to_label.onnx"):
        assert (killed / name).read_bytes() == (asked / name).read_bytes()
    weights = "model/photo_to_label.safetensors"
    assert (asked / weights).read_bytes() != (whole / weights).read_bytes()


def test_a_run_asked_before_its_first_step_takes_one(tmp_path: Path) -> None:
    """A model needs a step."""
    run_dir = write_run(tmp_path, small_spec("pix2pix", total_steps=3))
    RunDirectory(run_dir).ask_to_finish()
    train(run_dir, "cpu")
    assert json.loads((run_dir / "result.json").read_text())["steps"] == 1


def test_a_run_starts_from_the_weights_it_is_given(tmp_path: Path) -> None:
    """With a learning rate of 0 its model is the one it started from; other networks are refused."""
    first = write_run(tmp_path / "first", small_spec("pix2pix", total_steps=1))
    train(first, "cpu")
    still = {"total_steps": 1, "learning_rate": 0.0, "seed": 5}
    second = write_run(tmp_path / "second", small_spec("pix2pix", **still))
    shutil.copytree(first / "model", second / "start")
    train(second, "cpu")
    weights = "model/photo_to_label.safetensors"
    assert (second / weights).read_bytes() == (first / weights).read_bytes()
    other = write_run(tmp_path / "other", small_spec("pix2pix", channels=8, **still))
    shutil.copytree(first / "model", other / "start")
    with pytest.raises(UnusableRun, match="other networks"):
        train(other, "cpu")


def test_leftovers_of_a_crash_do_no_harm(tmp_path: Path) -> None:
    """Half a metrics line and half a model are removed."""
    run_dir = write_run(tmp_path, small_spec("cyclegan", total_steps=6))
    train_until(run_dir, 5)
    with open(run_dir / "metrics.jsonl", "a") as metrics:
        metrics.write('{"step": 6, "los')
    for folder in ("model", "model.tmp"):
        (run_dir / folder).mkdir()
        (run_dir / folder / "photo_to_label.safetensors").write_bytes(b"half")
    train(run_dir, "cpu")
    assert [line["step"] for line in metric_lines(run_dir)] == [1, 2, 3, 4, 5, 6]
    load_model(run_dir / "model")
    assert not list(run_dir.glob("*.tmp"))


def test_what_cannot_be_scored_or_shown_never_costs_the_model(tmp_path: Path) -> None:
    """A validation label map with an unknown class and a missing sample are noted; the model is written."""
    run_dir = write_run(tmp_path, small_spec("pix2pix", total_steps=2))
    broken = np.full((48, 64), 77, dtype=np.uint8)
    Image.fromarray(broken).save(run_dir / "broken.png")
    manifest = json.loads((run_dir / "manifest.json").read_text())
    manifest["samples"] = [["nowhere.png", "nowhere.png"]]
    manifest["validation"] = {"every": 1, "items": [[manifest["pairs"][0][0], "broken.png"]]}
    (run_dir / "manifest.json").write_text(json.dumps(manifest))
    train(run_dir, "cpu")
    assert "class index 77" in metric_lines(run_dir)[-1]["validation_error"]
    assert "nowhere.png" in json.loads((run_dir / "result.json").read_text())["notes"]["samples"]
    assert (run_dir / "model" / "photo_to_label.safetensors").exists()


class Diverging(Hybrid):
    """A method in which a pair sets a weight to infinity."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        losses = super().step(batch)
        if batch.pairs:
            next(self.G_XY.parameters()).data.view(-1)[0] = math.inf
        return losses


def test_divergence_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a step ruins the weights, the run fails with its number and keeps the checkpoint before it."""
    facts = MethodFacts(implementation=f"{__name__}:Diverging", summary="", needs_unpaired=True)
    monkeypatch.setitem(METHODS, "diverging", facts)
    # One pair among seven photos, which is not the first sample drawn.
    spec = small_spec("diverging", seed=1, total_steps=8, balance=False, checkpoint_every=1)
    run_dir = write_run(tmp_path, spec, pair_count=1, photo_count=7)
    with pytest.raises(TrainingDiverged, match=r"^step \d+: ") as failure:
        train(run_dir, "cpu")
    failed = int(str(failure.value).split()[1].rstrip(":"))
    tensors = load_file(run_dir / "checkpoint.safetensors")
    assert failed > 1
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert int(tensors["optimizers/G/0/step"]) == failed - 1
    assert not (run_dir / "result.json").exists()


def test_a_loss_that_is_nan_is_named(tmp_path: Path) -> None:
    """A NaN in the weights shows in the first losses; the error names the step, the loss and all values."""
    run_dir = write_run(tmp_path, small_spec("hybrid", total_steps=8, log_every=4))
    train_until(run_dir, 4)
    poison(run_dir / "checkpoint.safetensors", "networks/D_X/layers.0.weight")
    before = (run_dir / "checkpoint.safetensors").read_bytes()
    with pytest.raises(TrainingDiverged, match=r"^step 5: G_gan is nan; all losses: .*'D_Y': 0\.\d+"):
        train(run_dir, "cpu")
    assert (run_dir / "checkpoint.safetensors").read_bytes() == before
    assert [line["step"] for line in metric_lines(run_dir)] == [4]


def test_two_processes_never_share_a_run(tmp_path: Path) -> None:
    """While the lock is held, a second training raises RunInUse and writes nothing."""
    run_dir = write_run(tmp_path, small_spec("hybrid", total_steps=2))
    with open(run_dir / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunInUse, match="another process is training"):
            train(run_dir, "cpu")
    assert not (run_dir / "metrics.jsonl").exists()


def test_a_killed_writers_half_checkpoint_is_removed(tmp_path: Path) -> None:
    """The next process that trains in a run directory deletes the half checkpoint of a killed one."""
    run_dir = write_run(tmp_path, small_spec("pix2pix", total_steps=2))
    checkpoint = run_dir / "checkpoint.safetensors"
    program = (
        "import os, signal, sys; from pathlib import Path; from models.files import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(checkpoint)], check=False)
    assert any(run_dir.glob("*.tmp"))
    with RunDirectory(run_dir).locked():
        assert not any(run_dir.glob("*.tmp"))


def test_a_checkpoint_of_another_spec_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    """Training continues a checkpoint only with the same spec, and reports a damaged checkpoint."""
    run_dir = write_run(tmp_path, small_spec("cyclegan", total_steps=8))
    train_until(run_dir, 4)
    (run_dir / "spec.json").write_text(json.dumps(small_spec("cyclegan", total_steps=9).to_json()))
    with pytest.raises(ValueError, match="trained with another spec"):
        train(run_dir, "cpu")
    (run_dir / "checkpoint.safetensors").write_bytes(b"\x10" * 100)
    with pytest.raises(ValueError, match="is damaged"):
        train(run_dir, "cpu")


@pytest.mark.parametrize(
    ("method", "manifest", "message"),
    [
        ("hybrid", {"pairs": []}, "hybrid needs at least one pair"),
        ("pix2pix", {"pairs": []}, "pix2pix needs at least one pair"),
        ("tripathy", {"pairs": []}, "tripathy needs at least one pair"),
        ("tripathy", {"unpaired_photos": []}, "tripathy needs unpaired photos"),
        ("fcn8s", {"pairs": []}, "fcn8s needs at least one pair"),
        ("fcn8s", {"class_table": None}, "fcn8s learns classes"),
        ("cyclegan", {"unpaired_photos": []}, "cyclegan needs unpaired photos"),
        ("hybrid", {"unpaired_label_maps": []}, "hybrid needs unpaired label maps"),
        ("hybrid", {"pairs": [["a"]]}, "manifest"),
        ("hybrid", {"class_table": {"classes": []}}, "a class table needs"),
        ("hybrid", {"pairs": [["data/photo0.png", "spec.json"]]}, r"spec\.json"),
    ],
)
def test_a_manifest_that_cannot_be_trained_is_refused(
    tmp_path: Path, method: str, manifest: dict[str, Any], message: str
) -> None:
    """Missing kinds of samples, incomplete entries and unreadable files raise ValueError before any step."""
    run_dir = write_run(tmp_path, small_spec(method, total_steps=2), **manifest)
    with pytest.raises(ValueError, match=message):
        train(run_dir, "cpu")


def test_the_command_line_fails_with_a_sentence(tmp_path: Path) -> None:
    """Without a spec the command exits with 1 and says what is missing, without a traceback."""
    completed = run_python("-m", "models.training", str(tmp_path))
    assert completed.returncode == 1
    assert "spec.json" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_epochs_decide_the_steps_when_no_number_is_given(tmp_path: Path) -> None:
    """With `total_steps=None`, two epochs of 2 pairs and 4 photos make 16 balanced steps."""
    run_dir = write_run(tmp_path, small_spec("hybrid", total_steps=None, epochs=2))
    train_until(run_dir, 16)
    assert RunDirectory(run_dir).read_metrics()[-1]["total"] == 16


def test_rgb_pools_train_without_a_class_table(tmp_path: Path) -> None:
    """Without a class table the targets are RGB images, and the model records that."""
    images = ["data/photo0.png", "data/photo1.png"]
    run_dir = write_run(
        tmp_path,
        small_spec("pix2pix", total_steps=2),
        class_table=None,
        pairs=[images],
        samples=[images],
        unpaired_label_maps=[],
    )
    train(run_dir, "cpu")
    assert load_model(run_dir / "model")[1].class_table is None
