"""One hybrid training step against a plain one, in one process and interleaved.

    python -m benchmarks.training_step --sizes 64 256 --repeats 5 --variants eager bfloat16 compile both

The plain step (benchmarks/plain_training.py) makes the calls in the order of the public CycleGAN code: six
generator calls in float32, eager, PyTorch's own InstanceNorm2d and Adam, an image pool that is a Python list.
It computes the same losses on the same inputs with networks of the same shapes, and it is never made to wait
for the device.

At 64² the networks and the batch are the tiny recipe's, else the paper's; `--batch` overrides. Memory is the
allocator's peak on a GPU; on the CPU it is counted: weights, gradients, moments, pools and what one step
keeps for its backward passes (not for compiled variants, whose compiler decides that).
"""

import argparse
import gc
import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_training import PlainTraining
from models.catalog import TrainingSpec
from models.training.acceleration import AcceleratedStep
from models.training.data import Batch
from models.training.methods import method_named
from models.training.recipes import paper, tiny
from models.training.rehearsal import saved_for_backward, seconds_of, state_bytes
from models.translation.translator import choose_device

VARIANTS: dict[str, dict[str, Any]] = {
    "eager": {},
    "bfloat16": {"precision": "bfloat16"},
    "compile": {"compile": True},
    "both": {"precision": "bfloat16", "compile": True},
}
WARM_UPS = 2
console = Console()


@dataclass(frozen=True)
class Row:
    """One variant at one size; `ratio` is the median of plain seconds over these, pair by pair."""

    size: int
    batch: int
    variant: str
    seconds: float
    ratio: float
    steps_per_second: float
    peak_share: float
    memory_bytes: int | None
    first_step_seconds: float
    note: str | None = None


def main() -> None:
    arguments = _arguments()
    device = choose_device(arguments.device)
    peaks = {dtype: _matmul_peak(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    rows = [
        row
        for size in arguments.sizes
        for row in _compared(
            _spec(size, arguments.batch), arguments.variants, arguments.repeats, device, peaks
        )
    ]
    console.print(_table(rows))
    out = arguments.out or Path(f"benchmarks/results/training_step_{device.type}.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_report(arguments, device, peaks, rows), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--batch", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _spec(size: int, batch: int | None) -> TrainingSpec:
    spec = tiny("hybrid") if size == 64 else paper("hybrid", image_size=size)
    return spec if batch is None else replace(spec, batch_size=batch)


def _compared(
    spec: TrainingSpec,
    variants: list[str],
    repeats: int,
    device: torch.device,
    peaks: dict[torch.dtype, float],
) -> list[Row]:
    shape = (spec.batch_size, 3, spec.image_size, spec.image_size)
    x, y = (torch.rand(shape, device=device) * 2 - 1 for _ in range(2))
    batch = Batch(x, y, spec.batch_size)
    plain = PlainTraining(spec, device)
    with FlopCounterMode(display=False) as counter:
        plain.step(batch)
    flops = counter.get_total_flops()
    steps: dict[str, Callable[[Batch], Any]] = {"plain": plain.step}
    accelerated: dict[str, AcceleratedStep] = {}
    memory: dict[str, int | None] = {"plain": _memory(plain, plain.step, batch, device)}
    for variant in variants:
        wanted = replace(spec, **VARIANTS[variant])
        method = method_named("hybrid")(wanted, device, None)
        steps[variant] = accelerated[variant] = AcceleratedStep(method, wanted, device)
    first = {name: seconds_of(step, batch, device) for name, step in steps.items()}
    for variant in variants:
        counted = device.type == "cuda" or not VARIANTS[variant].get("compile")
        method = accelerated[variant].method
        memory[variant] = _memory(method, steps[variant], batch, device) if counted else None
    for _ in range(WARM_UPS):
        for step in steps.values():
            step(batch)
    rounds = []
    for index in range(repeats):
        rounds.append({name: seconds_of(step, batch, device) for name, step in steps.items()})
        console.print(f"{spec.image_size}², round {index + 1}: " + _listed(rounds[-1]))
    return [
        Row(
            size=spec.image_size,
            batch=spec.batch_size,
            variant=name,
            seconds=(seconds := statistics.median(round[name] for round in rounds)),
            ratio=statistics.median(round["plain"] / round[name] for round in rounds),
            steps_per_second=1 / seconds,
            peak_share=flops
            / seconds
            / peaks[torch.bfloat16 if name in ("bfloat16", "both") else torch.float32],
            memory_bytes=memory[name],
            first_step_seconds=first[name],
            note=accelerated[name].note if name in accelerated else None,
        )
        for name in steps
    ]


def _memory(owner: Any, step: Callable[[Batch], Any], batch: Batch, device: torch.device) -> int:
    """Bytes of state and, beyond it, of one step; the other variants' state is taken off."""
    state = _state(owner)
    if device.type == "cuda":
        gc.collect()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step(batch)
        return state + torch.cuda.max_memory_allocated(device) - before
    with saved_for_backward(owner) as saved:
        step(batch)
    return state + saved.peak


def _state(owner: Any) -> int:
    if not isinstance(owner, PlainTraining):
        return state_bytes(owner)
    weights = sum(p.nbytes for network in owner.networks.values() for p in network.parameters())
    pooled = sum(image.nbytes for pool in (owner.pool_X, owner.pool_Y) for image in pool.images)
    return 4 * weights + pooled  # with gradients and two moments


def _matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of several large matrix products; float32 with TF32 where convolutions use it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = min(seconds_of(lambda _: a @ b, Batch(a, b, 0), device) for _ in range(20))
    return 2 * size**3 / best


def _listed(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f} s" for name, value in seconds.items())


def _table(rows: list[Row]) -> Table:
    table = Table("size", "batch", "step", "s", "ratio", "steps/s", "of matmul peak", "MB", "first step s")
    for row in rows:
        table.add_row(
            f"{row.size}²",
            str(row.batch),
            row.variant + (" (fell back)" if row.note else ""),
            f"{row.seconds:.4f}",
            f"{row.ratio:.2f}",
            f"{row.steps_per_second:.2f}",
            f"{row.peak_share:.0%}",
            "–" if row.memory_bytes is None else f"{row.memory_bytes / 1e6:.0f}",
            f"{row.first_step_seconds:.1f}",
        )
    return table


def _report(
    arguments: argparse.Namespace, device: torch.device, peaks: dict[torch.dtype, float], rows: list[Row]
) -> dict[str, Any]:
    return {
        "repeats": arguments.repeats,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "torch": torch.__version__,
        },
        "matmul_peak_flops": {str(dtype).removeprefix("torch."): peak for dtype, peak in peaks.items()},
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    main()
