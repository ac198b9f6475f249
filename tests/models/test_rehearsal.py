from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from models.catalog import METHODS, TrainingSpec
from models.training.data import Data
from models.training.methods import method_named
from models.training.rehearsal import Estimate, rehearse, saved_for_backward, state_bytes
from models.training.run_directory import RunDirectory
from models.training.trainer import UnusableRun, train
from tests.models.runs import TABLE, metric_lines, small_spec, write_run

CPU = torch.device("cpu")


def rehearsed(run_dir: Path, spec: TrainingSpec) -> tuple[Estimate, Data]:
    files = RunDirectory(write_run(run_dir, spec)).manifest().files
    data = method_named(spec.method).data(spec, files, CPU)
    return rehearse(spec, TABLE, data, spec.total_steps or 1, CPU), data


class Chain:
    """Stands for a method with one network, as `Saved` needs it."""

    def __init__(self, network: nn.Module) -> None:
        self.networks = {"net": network}


def test_bytes_saved_for_backward_are_counted_once_and_freed() -> None:
    """Three sigmoids keep three outputs; the product of the last output with itself keeps nothing new."""
    x = torch.zeros(1000, requires_grad=True)
    with saved_for_backward(Chain(nn.Linear(1, 1))) as saved:  # type: ignore[arg-type]
        y = x.sigmoid().sigmoid().sigmoid()
        assert saved.now == 3 * 4000
        z = y * y  # y is held already
        assert saved.now == 3 * 4000
        torch.autograd.backward(z.sum())
        assert saved.now == 0
        torch.autograd.backward((x.sigmoid() * 2).sum())
    assert saved.peak == 3 * 4000


def test_the_estimate_grows_with_what_it_takes(tmp_path: Path) -> None:
    """Larger batches keep more for the backward pass, and wider networks have more state."""
    small = rehearsed(tmp_path / "a", small_spec("hybrid", total_steps=10))[0]
    batches = rehearsed(tmp_path / "b", small_spec("hybrid", total_steps=10, batch_size=4))[0]
    wide = rehearsed(tmp_path / "c", small_spec("hybrid", total_steps=10, channels=16))[0]
    assert 2 * small.memory_bytes < batches.memory_bytes < 4 * small.memory_bytes
    assert wide.memory_bytes > 4 * small.memory_bytes
    assert small.seconds == pytest.approx(10 / small.steps_per_second, abs=0.1)


def test_memory_is_state_data_and_activations(tmp_path: Path) -> None:
    """Weights, gradients and two moments take four times the weights; together with the data they are a lower
    bound.
    """
    spec = small_spec("pix2pix", channels=16)
    estimate, data = rehearsed(tmp_path, spec)
    method = method_named("pix2pix")(spec, CPU, TABLE)
    weights = sum(p.nbytes for network in method.networks.values() for p in network.parameters())
    tensors = sum(1 for network in method.networks.values() for _ in network.parameters())
    assert state_bytes(method) == 2 * weights
    assert data.nbytes == 6 * (3 + 4) * 36 * 36
    activations = estimate.memory_bytes - (4 * weights + 4 * tensors + data.nbytes)
    # The generators' first outputs alone are twice 16 channels of 32² floats, before and after the norm.
    assert activations > 2 * 2 * 16 * 32 * 32 * 4


@pytest.mark.parametrize("method", METHODS)
def test_a_rehearsal_changes_nothing(tmp_path: Path, method: str) -> None:
    """A training with a rehearsal has the same checkpoint as one without, and PyTorch's generator is not
    changed. A method that cannot be rehearsed leaves no estimate.
    """
    spec = small_spec(method, total_steps=8)
    state = torch.get_rng_state()
    rehearsed(tmp_path / "alone", spec)
    assert torch.equal(torch.get_rng_state(), state)
    rehearsing, given = write_run(tmp_path / "rehearsing", spec), write_run(tmp_path / "given", spec)
    (given / "estimate.json").write_text("{}")
    for run_dir in (rehearsing, given):
        with pytest.raises(KeyboardInterrupt):
            train(run_dir, "cpu", interrupt_after_the_checkpoint)
    name = "checkpoint.safetensors"
    assert (rehearsing / name).read_bytes() == (given / name).read_bytes()
    assert (given / "estimate.json").read_text() == "{}"
    if not METHODS[method].rehearsed:
        assert not (rehearsing / "estimate.json").exists()
        return
    estimate = json.loads((rehearsing / "estimate.json").read_text())
    assert estimate.keys() == {"memory_bytes", "seconds", "steps_per_second"}
    assert all(value > 0 for value in estimate.values())


def interrupt_after_the_checkpoint(done: int, total: int) -> None:
    if done == 5:
        raise KeyboardInterrupt


def test_the_estimate_comes_before_the_first_step(tmp_path: Path) -> None:
    """The estimate is there before the first step; a resumed training does not change it."""
    run_dir = write_run(tmp_path, small_spec("hybrid", total_steps=6))
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((run_dir / "estimate.json").read_text())
        if done == 5 and len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run_dir, "cpu", stop)
    train(run_dir, "cpu", stop)
    assert len(seen) == 7
    assert len(set(seen)) == 1
    assert metric_lines(run_dir)[-1]["steps_per_second"] > 0


@pytest.mark.gpu
def test_a_step_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """If the GPU's memory is too small, the run is unusable, and the error says what to lower."""
    spec = small_spec(
        "hybrid", total_steps=2, image_size=512, load_size=512, channels=64, blocks=9, batch_size=8
    )
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        with pytest.raises(
            UnusableRun, match=r"lower batch_size \(8\), image_size \(512\) or channels \(64\)"
        ):
            train(write_run(tmp_path, spec), "cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.gpu
def test_memory_on_a_gpu_is_the_allocators_peak(tmp_path: Path) -> None:
    """The estimate is close to the peak in the training's own metrics."""
    run_dir = write_run(
        tmp_path, small_spec("hybrid", total_steps=4, channels=32, image_size=128, load_size=128)
    )
    train(run_dir, "cuda")
    estimate = json.loads((run_dir / "estimate.json").read_text())
    peak = metric_lines(run_dir)[-1]["peak_memory_bytes"]
    assert estimate["memory_bytes"] == pytest.approx(peak, rel=0.25)
