from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._inductor import config as inductor
from torch._inductor.utils import fresh_cache

from models.catalog import METHODS, TrainingSpec
from models.training.acceleration import AcceleratedStep, set_learning_rates, snapshot
from models.training.data import Batch
from models.training.methods import Method, method_named
from models.training.networks import Discriminator, Generator, initialise
from models.training.trainer import train
from tests.models.runs import TABLE, metric_lines, small_spec, write_run

CPU = torch.device("cpu")
ACCELERATED = [name for name, facts in METHODS.items() if "compile" not in facts.unused]


@pytest.fixture(autouse=True)
def forget_compiled_code() -> Iterator[None]:
    yield
    torch.compiler.reset()


def images(seed: int, batch: int = 2) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, 32, 32, generator=random) * 2 - 1


def batches(kinds: list[int], device: torch.device = CPU) -> list[Batch]:
    """Batches of two samples, `kinds[i]` of them pairs, with class indices for methods that learn them."""
    classes = torch.randint(3, (2, 32, 32), generator=torch.Generator().manual_seed(0)).to(device)
    return [
        Batch(images(2 * i).to(device), images(2 * i + 1).to(device), pairs, classes[:pairs])
        for i, pairs in enumerate(kinds)
    ]


def accelerated(
    name: str, device: torch.device = CPU, **options: Any
) -> tuple[Method, AcceleratedStep, TrainingSpec]:
    pool = {} if "pool_size" in METHODS[name].unused else {"pool_size": 3}
    spec = small_spec(name, batch_size=2, **pool, **options)
    method = method_named(name)(spec, device, TABLE)
    return method, AcceleratedStep(method, spec, device), spec


def state(method: Method) -> dict[str, Tensor]:
    """Weights and moments by name."""
    weights = {
        f"{name}/{key}": tensor
        for name, network in method.networks.items()
        for key, tensor in network.state_dict().items()
    }
    moments = {
        f"{name}/{index}/{key}": tensor
        for name, optimizer in method.optimizers.items()
        for index, group in optimizer.state_dict()["state"].items()
        for key, tensor in group.items()
    }
    return weights | moments


def values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}


def test_the_plain_step_is_the_methods_own() -> None:
    """In float32 and uncompiled, losses and state are bit for bit those of the method's own step."""
    (method, step, spec), kinds = accelerated("hybrid"), [2, 0, 2, 0]
    twin = method_named("hybrid")(spec, CPU, TABLE)
    for batch in batches(kinds):
        assert values(step(batch)) == values(twin.step(batch))
    ours, theirs = state(method), state(twin)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("network", [Generator(8, 2), Discriminator(channels=8)], ids=["G", "D"])
def test_only_convolutions_run_in_bfloat16(network: nn.Module) -> None:
    """Under autocast, convolutions are bfloat16; norms, tanh, D's last layer and weights are float32."""
    initialise(network, torch.Generator().manual_seed(0))
    dtypes: dict[str, set[torch.dtype]] = {}
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda m, _, y: dtypes.setdefault(type(m).__name__, set()).add(y.dtype)
            )
    exact = network(images(0))
    dtypes.clear()
    with torch.autocast("cpu", torch.bfloat16):
        output = network(images(0))
    assert dtypes["InstanceNorm"] == {torch.float32}
    assert torch.bfloat16 in dtypes["Conv2d"]
    assert output.dtype == torch.float32
    assert not torch.equal(output, exact)
    torch.testing.assert_close(output, exact, rtol=0.05, atol=0.05)
    if isinstance(network, Generator):
        assert not torch.equal(output, output.bfloat16().float())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ACCELERATED)
def test_a_bfloat16_step_is_close_to_a_float32_one(name: str) -> None:
    """The losses agree within 5 % but not exactly; all are finite, and weights and moments stay float32."""
    method, step, spec = accelerated(name, precision="bfloat16", channels=8)
    twin = method_named(name)(spec, CPU, TABLE)
    for batch in batches([2, 2]):
        losses, expected = values(step(batch)), values(twin.step(batch))
        assert losses == pytest.approx(expected, rel=0.05)
    assert losses != expected
    floating = [tensor for tensor in state(method).values() if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floating} == {torch.float32}
    assert all(torch.isfinite(tensor).all() for tensor in floating)


def test_networks_are_plain_outside_the_step() -> None:
    """Between steps a network gives exact float32 output, and a copy of it is independent."""
    method, step, _ = accelerated("hybrid", precision="bfloat16")
    step(batches([2])[0])
    network = method.networks["G_XY"]
    twin = copy.deepcopy(network)
    assert torch.equal(network(images(9)), twin(images(9)))
    assert "forward" not in vars(network)


def addresses_of(method: Method) -> dict[str, int]:
    """The addresses of the state's tensors, except random generators, whose state is always a copy."""
    return {name: tensor.data_ptr() for name, tensor in state(method).items() if "extra_state" not in name}


@pytest.mark.parametrize("done", [0, 2])
@pytest.mark.parametrize("name", ACCELERATED)
def test_a_restored_snapshot_continues_exactly(name: str, done: int) -> None:
    """Steps taken after a snapshot leave no trace in weights, moments, pools or random numbers."""
    method, step, spec = accelerated(name)
    twin = method_named(name)(spec, CPU, TABLE)
    first, second, third = batches([2, 2, 2])
    for batch in [first, second][:done]:
        step(batch), twin.step(batch)
    restore = snapshot(method, CPU)
    addresses = addresses_of(method)
    for batch in (third, first, second):
        step(batch)
    restore()
    assert not done or addresses == addresses_of(method)
    for batch in (third, first, second):
        assert values(step(batch)) == values(twin.step(batch))


@pytest.mark.slow
def test_compiled_steps_equal_eager_ones(tmp_path: Path) -> None:
    """Compiled steps of both kinds have the eager losses, and a stopped compiled run resumes exactly."""
    (_, step, spec), kinds = accelerated("hybrid", compile=True, blocks=0), [2, 0, 2, 0, 0, 2]
    twin = method_named("hybrid")(spec, CPU, TABLE)
    for batch in batches(kinds):
        assert values(step(batch)) == pytest.approx(values(twin.step(batch)), rel=1e-3)
    assert step.note is None

    spec = replace(spec, total_steps=8, log_every=1)
    whole, stopped = write_run(tmp_path / "whole", spec), write_run(tmp_path / "stopped", spec)
    train(whole, "cpu")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, "cpu", interrupt_at(6))
    train(stopped, "cpu")
    for name in ("checkpoint.safetensors", "model/photo_to_label.safetensors"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()


def interrupt_at(step: int) -> Any:
    def on_step(done: int, total: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return on_step


def test_without_a_compiler_the_training_goes_on(tmp_path: Path) -> None:
    """If no C++ compiler is found, the run ends with exactly the eager run's weights and says why."""
    spec = small_spec("hybrid", total_steps=4, pool_size=3)
    eager = write_run(tmp_path / "eager", spec)
    train(eager, "cpu")
    run_dir = write_run(tmp_path / "compiled", replace(spec, compile=True))
    with fresh_cache(), inductor.patch({"cpp.cxx": ("no-such-compiler",)}):
        train(run_dir, "cpu")
    for name in ("photo_to_label", "label_to_photo"):
        weights = f"model/{name}.safetensors"
        assert (run_dir / weights).read_bytes() == (eager / weights).read_bytes()
    notes = json.loads((run_dir / "result.json").read_text())["notes"]
    assert notes["compile"].startswith("the networks could not be compiled: ")
    assert metric_lines(run_dir)[-1]["compile"] == notes["compile"]
    assert [line["losses"] for line in metric_lines(run_dir)] == [
        line["losses"] for line in metric_lines(eager)
    ]


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ACCELERATED)
def test_replayed_steps_equal_eager_ones(name: str, precision: str) -> None:
    """On a GPU, compiled and recorded steps of every kind have the losses of eager ones.

    fcn8s draws its dropout from a generator that a recording may refuse: it may then run unrecorded.
    """
    cuda = torch.device("cuda")
    method, step, spec = accelerated(name, cuda, compile=True, precision=precision, channels=8)
    twin = method_named(name)(spec, cuda, TABLE)
    eager = AcceleratedStep(twin, replace(spec, compile=False), cuda)
    kinds = {"pix2pix": [2], "fcn8s": [2], "cyclegan": [0]}.get(name, [2, 0])
    for index, batch in enumerate(batches(kinds * 4, cuda)):
        for optimizers in (method.optimizers, twin.optimizers):
            set_learning_rates(optimizers, 1 - index / 8)
        tolerance = 1e-2 if precision == "float32" else 0.1
        assert values(step(batch)) == pytest.approx(values(eager(batch)), rel=tolerance)
    assert step.note is None or name == "fcn8s"


@pytest.mark.gpu
def test_a_recorded_training_resumes(tmp_path: Path) -> None:
    """On a GPU, a stopped compiled run ends with losses close to those of an uninterrupted one."""
    spec = small_spec("hybrid", total_steps=12, pool_size=3, compile=True, precision="bfloat16")
    whole, stopped = write_run(tmp_path / "whole", spec), write_run(tmp_path / "stopped", spec)
    train(whole, "cuda")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, "cuda", interrupt_at(6))
    train(stopped, "cuda")
    for ours, theirs in zip(metric_lines(stopped), metric_lines(whole), strict=True):
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=0.1)
        assert "compile" not in ours
