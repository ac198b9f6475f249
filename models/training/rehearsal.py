"""Estimates the memory and the time of a training by two steps of a copy, which is then discarded."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from models.catalog import METHODS, TrainingSpec
from models.images.palette import ClassTable
from models.training.acceleration import AcceleratedStep
from models.training.data import Batch, Data
from models.training.methods import Method, method_named

MOSTLY = 0.8
"""Share of a GPU's memory. If less was free at the start, a training that does not fit now may fit later."""


@dataclass(frozen=True)
class Estimate:
    """`memory_bytes` on the device at the peak of a step, and `seconds` for all steps of the training.

    On a GPU the memory is the allocator's peak. On the CPU it is a count of weights, gradients, optimiser
    state, tensors kept for the backward pass, and the data set. The count leaves out the interpreter with its
    libraries (some hundred megabytes), the working memory of single operations, and the compiler. The
    seconds leave out what a method does before its first step, compilation, validation, sample sheets and
    checkpoints.
    """

    memory_bytes: int
    seconds: float
    steps_per_second: float


def rehearse(
    spec: TrainingSpec,
    class_table: ClassTable | None,
    data: Data,
    total_steps: int,
    device: torch.device,
) -> Estimate:
    """Make a new object of the method, take two steps with it (three when compiling), and measure the last
    one.

    The random generators of the training and of PyTorch are not changed. If the GPU's memory does not
    suffice, raises ValueError if most of it was free before, and torch.OutOfMemoryError if it was not.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    devices = [device] if device.type == "cuda" else []
    free, total = torch.cuda.mem_get_info(device) if devices else (0, 0)
    with torch.random.fork_rng(devices):
        try:
            memory, seconds = _measured(spec, class_table, data, device)
        except torch.OutOfMemoryError as error:
            if free < total * MOSTLY:
                raise  # other processes hold memory, which the next attempt may find free
            raise ValueError(
                f"a training step does not fit in the memory of {torch.cuda.get_device_name(device)}:"
                f" lower batch_size ({spec.batch_size}), image_size ({spec.image_size})"
                f" or channels ({spec.channels})"
            ) from error
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    return Estimate(memory, round(seconds * total_steps, 3), round(1 / seconds, 4))


def _measured(
    spec: TrainingSpec, class_table: ClassTable | None, data: Data, device: torch.device
) -> tuple[int, float]:
    """Bytes at the peak of a step, and seconds of one."""
    method = method_named(spec.method)(spec, device, class_table)
    batch = data.batch(0)
    if METHODS[spec.method].needs_pairs and not batch.pairs:
        # Pairs have one loss more, and whatever classes they show, it takes the same time.
        classes = None if batch.classes is None else torch.zeros_like(batch.x[:, 0], dtype=torch.long)
        batch = replace(batch, pairs=len(batch.x), classes=classes)
    step = AcceleratedStep(method, replace(spec, compile=False), device)
    with saved_for_backward(method) as saved:
        step(batch)
    if spec.compile:
        step = AcceleratedStep(method, spec, device)
        step(batch)
    seconds = seconds_of(step, batch, device)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device), seconds
    averaged = sum(_bytes(network.parameters()) for network in method.translators.values()) * (spec.ema > 0)
    return state_bytes(method) + averaged + saved.peak + data.nbytes, seconds


def seconds_of(step: Callable[[Batch], object], batch: Batch, device: torch.device) -> float:
    """Wall time of one step, until the device has finished it."""
    _wait(device)
    start = time.perf_counter()
    step(batch)
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def state_bytes(method: Method) -> int:
    """Weights, their gradients, the optimisers' state and the image pools, after the first step."""
    parameters = list(chain.from_iterable(network.parameters() for network in method.networks.values()))
    moments = (
        tensor
        for optimizer in method.optimizers.values()
        for state in optimizer.state.values()
        for tensor in state.values()
    )
    pools = (pool.state()["images"] for pool in method.pools.values())
    return 2 * _bytes(iter(parameters)) + _bytes(moments) + _bytes(pools)


class Saved:
    """Counts the bytes that are kept for backward passes: those `now` kept, and the `peak` so far.

    Tensors that share memory count once. The method's weights do not count: they are kept anyway.
    """

    def __init__(self, method: Method) -> None:
        self.now = self.peak = 0
        weights = chain.from_iterable(network.parameters() for network in method.networks.values())
        self._holders = {weight.untyped_storage().data_ptr(): 1 for weight in weights}

    def keep(self, tensor: Tensor) -> "_Kept":
        storage = tensor.untyped_storage()
        key, size = storage.data_ptr(), storage.nbytes()
        self._holders[key] = self._holders.get(key, 0) + 1
        if self._holders[key] == 1:
            self.now += size
            self.peak = max(self.peak, self.now)
        return _Kept(tensor, self, key, size)

    def release(self, key: int, size: int) -> None:
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key]
            self.now -= size


class _Kept:
    """A tensor that autograd holds; autograd drops this when it no longer needs it."""

    def __init__(self, tensor: Tensor, saved: Saved, key: int, size: int) -> None:
        self.tensor, self._saved, self._key, self._size = tensor, saved, key, size

    def __del__(self) -> None:
        self._saved.release(self._key, self._size)


@contextmanager
def saved_for_backward(method: Method) -> Iterator[Saved]:
    """Count what autograd keeps while the method's step runs in this context."""
    saved = Saved(method)
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda kept: kept.tensor):
        yield saved


def _bytes(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
