"""Runs a method's step in another precision, compiled, or as a CUDA graph."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.catalog import TrainingSpec
from models.training.data import Batch
from models.training.image_pool import ImagePool
from models.training.methods import Method
from models.training.transfer import to_device

Losses = dict[str, Tensor]
Forward = Callable[..., Tensor]

WARM_UP_STEPS = 3
"""Steps before a CUDA graph is recorded: libraries choose their algorithms, optimisers create their state."""


class AcceleratedStep:
    """`method.step` with the spec's `precision` and `compile`.

    The networks are changed only during a step: code that averages them, saves them or translates with them
    sees them unchanged. If compiling or recording fails, training goes on without it from the same state, and
    `note` and the method's notes say why.
    """

    def __init__(self, method: Method, spec: TrainingSpec, device: torch.device) -> None:
        self.note: str | None = None
        """Why the step is not compiled or recorded although the spec asks for it; None if it is."""
        self.method, self._spec, self._device = method, spec, device
        networks = [net for net in method.networks.values() if next(net.parameters(), None) is not None]
        self._plain = {network: network.forward for network in networks}
        self._forwards = self._in_precision(self._plain)
        self._compiled: dict[nn.Module, Forward] | None = None
        self._prepared: set[int] = set()
        self._recordings: dict[int, _Recording] = {}

    def __call__(self, batch: Batch) -> Losses:
        """One step of every optimiser; the losses by name, as scalars on the device."""
        if self._spec.compile and batch.pairs not in self._prepared:
            self._prepared.add(batch.pairs)
            self._prepare(batch)
        if recording := self._recordings.get(batch.pairs):
            return recording.replay(batch)
        return self._step(batch)

    def _in_precision(self, forwards: Mapping[nn.Module, Forward]) -> dict[nn.Module, Forward]:
        if self._spec.precision == "float32":
            return dict(forwards)
        return {network: _in_bfloat16(forward, self._device) for network, forward in forwards.items()}

    def _prepare(self, batch: Batch) -> None:
        """Compile and record the step for this kind of batch, then restore the training's state."""
        restore = snapshot(self.method, self._device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler warns about PyTorch's own code
            self._compile(batch)
            if self._device.type == "cuda":
                self._record(batch)
        restore()

    def _compile(self, batch: Batch) -> None:
        try:
            if not self._compiled:
                # Fixed shapes: a training has few, and code for any shape would be slower.
                self._compiled = {
                    net: torch.compile(call, dynamic=False) for net, call in self._plain.items()
                }
            self._forwards = self._in_precision(self._compiled)
            self._step(batch)
        except Exception as error:  # compilers fail in too many ways to list
            self._forwards = self._in_precision(self._plain)
            self._complain("the networks could not be compiled", error)

    def _record(self, batch: Batch) -> None:
        try:
            self._recordings[batch.pairs] = _Recording(self._step, self.method, batch, self._device)
        except Exception as error:  # capture fails in as many ways
            self._complain("the step could not be recorded as a CUDA graph", error)

    def _step(self, batch: Batch) -> Losses:
        for network, forward in self._forwards.items():
            network.forward = forward
        try:
            return self.method.step(batch)
        finally:
            for network in self._forwards:
                del network.forward

    def _complain(self, what: str, error: Exception) -> None:
        lines = str(error).strip().splitlines() or [""]
        self.note = f"{what}: {type(error).__name__}: {lines[0][:300]}"
        self.method.notes["compile"] = self.note


class _Recording:
    """A whole step as a CUDA graph. It reads the batch and the pools' plans from its own tensors."""

    def __init__(
        self, step: Callable[[Batch], Losses], method: Method, batch: Batch, device: torch.device
    ) -> None:
        self._pools, self._device = list(method.pools.values()), device
        self._plans: list[tuple[ImagePool, Tensor]] = []
        self._batch = deepcopy(batch)
        optimizers = list(method.optimizers.values())
        _keep_rates_on_device(optimizers, device)
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                with self._recorded_plans():
                    step(self._batch)
        torch.cuda.current_stream(device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with _capturable(optimizers), self._recorded_plans(), torch.cuda.graph(self._graph):
            self._losses = step(self._batch)

    def replay(self, batch: Batch) -> Losses:
        self._batch.overwrite(batch)
        for pool, plan in self._plans:
            plan.copy_(to_device(pool.plan(plan.shape[1]), self._device))
        self._graph.replay()
        return {name: loss.clone() for name, loss in self._losses.items()}

    @contextmanager
    def _recorded_plans(self) -> Iterator[None]:
        """Give every pool query of a step, in their order, a tensor to read its plan from."""
        usual = [pool.next_plan for pool in self._pools]
        queries = 0

        def kept(pool: ImagePool) -> Callable[[int, torch.device], Tensor]:
            def next_plan(count: int, device: torch.device) -> Tensor:
                nonlocal queries
                if queries == len(self._plans):
                    self._plans.append((pool, to_device(pool.plan(count), device)))
                queries += 1
                return self._plans[queries - 1][1]

            return next_plan

        for pool in self._pools:
            pool.next_plan = kept(pool)
        try:
            yield
        finally:
            for pool, next_plan in zip(self._pools, usual, strict=True):
                pool.next_plan = next_plan


def set_learning_rates(optimizers: Mapping[str, Optimizer], factor: float) -> None:
    """Scale every optimiser's own learning rate; one that a recorded step reads is overwritten in place."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            if "initial_lr" not in group:
                group["initial_lr"] = group["lr"]
            rate = group["initial_lr"] * factor
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def _in_bfloat16(forward: Forward, device: torch.device) -> Forward:
    """Convolutions in bfloat16. Parts that the network keeps in float32 stay so; the result is float32."""

    @wraps(forward)
    def call(*arguments: object) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return forward(*arguments).float()

    return call


def _keep_rates_on_device(optimizers: Sequence[Optimizer], device: torch.device) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if not isinstance(group["lr"], Tensor):
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=device)


@contextmanager
def _capturable(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Set Adam's `capturable` during a capture. Outside it, fused Adam would only warn about the flag."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False


def snapshot(method: Method, device: torch.device) -> Callable[[], None]:
    """Copy the whole state of a training; the returned function writes it back into the same tensors."""
    networks = {
        name: {key: tensor.clone() for key, tensor in network.state_dict().items()}
        for name, network in method.networks.items()
    }
    moments = {
        name: {
            parameter: {key: tensor.clone() for key, tensor in state.items()}
            for parameter, state in optimizer.state.items()
        }
        for name, optimizer in method.optimizers.items()
    }
    pools = {
        name: {key: tensor.clone() for key, tensor in pool.state().items()}
        for name, pool in method.pools.items()
    }

    @torch.no_grad()
    def restore() -> None:
        for name, network in method.networks.items():
            network.load_state_dict(networks[name])
        for name, optimizer in method.optimizers.items():
            for parameter, state in optimizer.state.items():
                before = moments[name].get(parameter)
                for key, tensor in state.items():
                    if before is None:
                        tensor.zero_()  # Adam starts from zeros
                    else:
                        tensor.copy_(before[key])
        for name, pool in method.pools.items():
            pool.restore(pools[name], device)

    return restore
