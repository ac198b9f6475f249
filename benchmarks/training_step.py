"""A training step against a plain one: time, memory, share of the device's peak, and agreement of the losses.

    python -m benchmarks.training_step --methods hybrid --sizes 64 256 --variants eager bfloat16 compiled

The plain step (benchmarks/plain_training.py) is float32 and eager, and makes the calls in the order of the
public code. It starts from the same weights, takes the same inputs and computes the same losses. Each variant
is measured in turns with it; `ratio` is the median of plain over own time. No step waits for the device.

plain pool      the eager step with the plain step's image pool, a list
compiled graph  compiled, and the whole step recorded as one CUDA graph

At 64² the networks and the batch are the tiny recipe's, else the paper's; `--batches` overrides the batch.
Memory is the allocator's peak on a GPU (for a graph: what it keeps reserved); on the CPU it is counted:
weights, gradients, moments, pools and what one step keeps for its backward passes (not for compiled variants,
whose compiler decides that). `difference` is the largest relative one of the losses of the first three steps
from those of the eager step, and `same` judges it.
"""

import argparse
import gc
import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import Report, device_named, say, seconds, table
from benchmarks.plain_training import PlainPool, PlainTraining
from models.catalog import TrainingSpec
from models.training.acceleration import AcceleratedStep, snapshot
from models.training.data import Batch
from models.training.methods import method_named
from models.training.recipes import paper, tiny
from models.training.rehearsal import saved_for_backward, state_bytes

Step = Callable[[Batch], dict[str, torch.Tensor]]

VARIANTS: dict[str, dict[str, Any]] = {
    "eager": {},
    "plain_pool": {},
    "bfloat16": {"precision": "bfloat16"},
    "compiled": {"compile": True},
    "compiled_graph": {"compile": True},
    "bfloat16_compiled": {"compile": True, "precision": "bfloat16"},
    "bfloat16_compiled_graph": {"compile": True, "precision": "bfloat16"},
}
WARM_UPS = 2
COMPARED_STEPS = 3
TOLERANCE = {"float32": 1e-2, "bfloat16": 0.1}
STEPS_ON_GPU, SECONDS_ON_GPU = 10, 0.3
"""Steps that are timed together on a GPU, as in a training the host runs ahead; fewer if they are slow."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=("hybrid", "pix2pix", "cyclegan"), default=["hybrid"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[None])
    parser.add_argument("--channels", type=int, help="of the networks' first layers")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = device_named(arguments.device)
    peaks = {dtype: matmul_peak(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    out = arguments.out or Path(f"benchmarks/results/training_step_{device.type}.json")
    flops = {str(dtype).removeprefix("torch."): peak for dtype, peak in peaks.items()}
    report = Report(out, device, repeats=arguments.repeats, matmul_peak_flops=flops)
    for batch_size in arguments.batches:
        for method in arguments.methods:
            for size in arguments.sizes:
                spec = tiny(method) if size == 64 else paper(method, image_size=size)
                options = {"batch_size": batch_size, "channels": arguments.channels}
                spec = replace(spec, **{name: value for name, value in options.items() if value})
                Comparison(spec, device, flops, report).run(arguments.variants, arguments.repeats)
    say(table(report.rows))


class Comparison:
    """The variants of one method's step at one size and batch."""

    def __init__(
        self, spec: TrainingSpec, device: torch.device, peaks: dict[str, float], report: Report
    ) -> None:
        self._spec, self._device, self._peaks, self._report = spec, device, peaks, report
        random = torch.Generator().manual_seed(0)
        shape = (spec.batch_size, 3, spec.image_size, spec.image_size)
        x, y = ((torch.rand(shape, generator=random) * 2 - 1).to(device) for _ in range(2))
        self._batch = Batch(x, y, 0 if spec.method == "cyclegan" else spec.batch_size)
        self._plain = PlainTraining(spec, device)
        self._compiled: dict[str, tuple[Compiled, Callable[[], None]]] = {}

    def run(self, variants: list[str], repeats: int) -> None:
        """Add a row for the plain step and one for every variant, also for a variant that fails."""
        method = self._method({})
        self._plain.take_weights(method.networks)
        self._expected = self._first_losses(method.step)
        with FlopCounterMode(display=False) as counter:
            first = self._first_losses(self._plain.step)
        self._flops = counter.get_total_flops() / COMPARED_STEPS
        self._measure("plain", self._plain.step, self._plain, repeats, losses=first)
        for variant in variants:
            try:
                self._run_variant(variant, repeats)
            except Exception as error:  # for example too little memory: the others go on
                self._add(variant, note=f"failed: {type(error).__name__}: {str(error).strip()[:300]}")
            self._free(keep_compiled=variant.endswith("compiled"))

    def _run_variant(self, variant: str, repeats: int) -> None:
        if variant.endswith("graph") and self._device.type != "cuda":
            self._add(variant, note="skipped: a CUDA graph needs a CUDA device")
        elif variant == "plain_pool" and not self._spec.pool_size:
            self._add(variant, note="skipped: the method keeps no pool")
        elif "compiled" in variant:
            self._run_compiled(variant, repeats)
        else:
            method = self._method(VARIANTS[variant])
            if variant == "plain_pool":
                method.pool_X, method.pool_Y = (PlainPool(self._spec.pool_size) for _ in range(2))
            self._measure(variant, AcceleratedStep(method, method.spec, self._device), method, repeats)

    def _run_compiled(self, variant: str, repeats: int) -> None:
        """Measure a compiled step, or the graph of the step that was compiled for the variant before."""
        precision = VARIANTS[variant].get("precision", "float32")
        first = None
        if precision not in self._compiled:
            torch.compiler.reset()
            method = self._method(VARIANTS[variant])
            step = Compiled(method, method.spec, self._device)
            restore = snapshot(method, self._device)
            first = seconds(lambda: step(self._batch), self._device)
            restore()
            self._compiled[precision] = step, restore
        step, restore = self._compiled[precision]
        restore()
        memory = None
        if variant.endswith("graph"):
            self._free(keep_compiled=True)
            start = torch.cuda.memory_reserved()
            first = seconds(lambda: step.record(self._batch), self._device)
            self._free(keep_compiled=True)
            memory = state_bytes(step.method) + torch.cuda.memory_reserved() - start
            restore()
        self._measure(variant, step, step.method, repeats, first=first, memory=memory, note=step.note)

    def _method(self, options: dict[str, Any]) -> Any:
        spec = replace(self._spec, **options)
        return method_named(spec.method)(spec, self._device, None)

    def _measure(
        self,
        variant: str,
        step: Step,
        owner: Any,
        repeats: int,
        *,
        losses: list[dict[str, float]] | None = None,
        first: float | None = None,
        memory: int | None = None,
        note: str | None = None,
    ) -> None:
        difference = self._difference(losses or self._first_losses(step))
        if memory is None and (self._device.type == "cuda" or "compiled" not in variant):
            memory = self._memory(owner, step)
        for _ in range(WARM_UPS):
            step(self._batch)
        plain = step if owner is self._plain else self._plain.step
        rounds = [(self._per_step(plain), self._per_step(step)) for _ in range(repeats)]
        taken = statistics.median(own for _, own in rounds)
        precision = "bfloat16" if variant.startswith("bfloat16") else "float32"
        self._add(
            variant,
            milliseconds=1000 * taken,
            ratio=statistics.median(plain / own for plain, own in rounds),
            steps_per_second=1 / taken,
            peak_share=self._flops / taken / self._peaks[precision],
            memory_MB=None if memory is None else memory / 1e6,
            first_step_seconds=first,
            difference=difference,
            same="bit for bit" if difference == 0 else "yes" if difference <= TOLERANCE[precision] else "NO",
            note=note,
        )

    def _add(self, variant: str, **values: Any) -> None:
        spec = self._spec
        self._report.add(
            method=spec.method, size=spec.image_size, batch=spec.batch_size, variant=variant, **values
        )

    def _per_step(self, step: Step) -> float:
        one = seconds(lambda: step(self._batch), self._device)
        if self._device.type != "cuda":
            return one
        count = max(1, min(STEPS_ON_GPU, int(SECONDS_ON_GPU / one)))
        return seconds(lambda: [step(self._batch) for _ in range(count)], self._device) / count

    def _first_losses(self, step: Step) -> list[dict[str, float]]:
        found = [step(self._batch) for _ in range(COMPARED_STEPS)]
        return [{name: float(losses[name]) for name in ("G", "D_X", "D_Y")} for losses in found]

    def _difference(self, found: list[dict[str, float]]) -> float:
        """The largest relative difference from the eager step's losses; infinite where one is not finite."""
        pairs = [
            (own[name], expected[name])
            for own, expected in zip(found, self._expected, strict=True)
            for name in own
        ]
        differences = [abs(own - expected) / abs(expected) for own, expected in pairs]
        return max(difference if math.isfinite(difference) else math.inf for difference in differences)

    def _memory(self, owner: Any, step: Step) -> int:
        """Bytes of state and, beyond it, of one step."""
        state = plain_state_bytes(owner) if owner is self._plain else state_bytes(owner)
        if self._device.type == "cuda":
            gc.collect()
            torch.cuda.reset_peak_memory_stats(self._device)
            before = torch.cuda.memory_allocated(self._device)
            step(self._batch)
            return state + torch.cuda.max_memory_allocated(self._device) - before
        with saved_for_backward(owner) as saved:
            step(self._batch)
        return state + saved.peak

    def _free(self, keep_compiled: bool) -> None:
        if not keep_compiled:
            self._compiled.clear()
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


class Compiled(AcceleratedStep):
    """A compiled step that is recorded as a CUDA graph only by `record`."""

    def _record(self, batch: Batch) -> None:
        pass

    def record(self, batch: Batch) -> None:
        super()._record(batch)


def plain_state_bytes(plain: PlainTraining) -> int:
    """Weights with gradients and two moments, and the pools' images."""
    weights = sum(p.nbytes for network in plain.networks.values() for p in network.parameters())
    return 4 * weights + sum(image.nbytes for pool in (plain.pool_X, plain.pool_Y) for image in pool.images)


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of several large matrix products; float32 with TF32 where convolutions use it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    size, repeats = (8192, 20) if device.type == "cuda" else (1024, 10)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / min(seconds(lambda: a @ b, device) for _ in range(repeats))


if __name__ == "__main__":
    main()
