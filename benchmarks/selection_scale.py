"""Time, memory and objective of `select("kmedoids", …)` from ten thousand images to a million.

    python -m benchmarks.selection_scale --images 10000 100000 1000000 --budgets 100 1000 --folder /tmp

Each run is a process of its own, so that its peak memory is its own: the most pages that were resident, those
of the mapped embeddings among them (VmHWM in /proc/self/status, on Linux; getrusage would begin with what was
resident in the process that started it). Embeddings are clustered points of 2,048 dimensions, float16,
memory-mapped from a file in `--folder` (4 GB for a million). The objective is set beside that of the medoids
of a long k-means (scikit-learn, `n_init=3`) on an even sample of 50,000, which cover all images as ours do:
of the most images, for the budgets that `--long-run` names.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot
from rich.console import Console
from rich.table import Table
from sklearn.cluster import KMeans

from benchmarks.clustered import clustered
from models.machine import describe_machine
from models.selection import coverage, select

DIMENSION = 2048
SAMPLE = 50_000
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--budgets", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--long-run", type=int, nargs="*", default=[100], metavar="BUDGET")
    parser.add_argument("--starts", type=int, default=3, help="of the long run's k-means")
    parser.add_argument("--folder", type=Path, default=Path("."))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/selection_scale.json"))
    parser.add_argument("--plot", type=Path, default=Path("docs/results/selection-scale.png"))
    parser.add_argument("--run", nargs=2, metavar=("FILE", "BUDGET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(_run(Path(arguments.run[0]), int(arguments.run[1]))))  # noqa: T201
        return
    rows = []
    for count in sorted(set(arguments.images)):
        file = _embeddings(arguments.folder, count)
        for budget in arguments.budgets:
            command = [sys.executable, "-m", "benchmarks.selection_scale", "--run", str(file), str(budget)]
            rows.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            console.print(rows[-1])
            if count == max(arguments.images) and budget in arguments.long_run:
                rows[-1]["long_run_starts"] = arguments.starts
                rows[-1]["long_run_on_a_sample"] = _long_run(file, budget, arguments.starts)
    console.print(_table(rows))
    if len(set(arguments.images)) > 1:
        _plot(rows, arguments.budgets, arguments.plot)
    report = {"machine": describe_machine(torch.device("cpu")), "dimension": DIMENSION, "rows": rows}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def _embeddings(folder: Path, count: int) -> Path:
    file = folder / f"clustered-{count}x{DIMENSION}.npy"
    if not file.exists():
        shape = (count, DIMENSION)
        clustered(count, DIMENSION, np.lib.format.open_memmap(file, "w+", np.float16, shape))
    return file


def _run(file: Path, budget: int) -> dict[str, Any]:
    vectors = np.load(file, mmap_mode="r")
    start = time.perf_counter()
    selection = select("kmedoids", vectors, budget)
    return {
        "images": len(vectors),
        "budget": budget,
        "seconds": time.perf_counter() - start,
        "peak_bytes": _peak_bytes(),
        "objective": selection.objective,
    }


def _peak_bytes() -> int:
    """The most memory that was resident in this process since it was started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _long_run(file: Path, budget: int, starts: int) -> float:
    """The mean distance of all images to the medoids of a long k-means on a sample."""
    vectors = np.load(file, mmap_mode="r")
    rows = np.arange(0, len(vectors), -(-len(vectors) // SAMPLE))
    sample = vectors[rows].astype(np.float32)
    kmeans = KMeans(budget, n_init=starts, random_state=0).fit(sample)
    picks = []
    for cluster in range(budget):
        members = np.flatnonzero(kmeans.labels_ == cluster)
        points = sample[members].astype(np.float64)
        squares = (points**2).sum(axis=1)
        squared = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
        picks.append(int(rows[members[np.sqrt(squared).sum(axis=1).argmin()]]))
    return coverage(vectors, picks).mean


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("images", "budget", "seconds", "peak memory", "objective", "long run on 50,000")
    for row in rows:
        long_run = row.get("long_run_on_a_sample")
        table.add_row(
            f"{row['images']:,}",
            str(row["budget"]),
            f"{row['seconds']:.1f}",
            f"{row['peak_bytes'] / 2**30:.1f} GiB",
            f"{row['objective']:.4f}",
            "" if long_run is None else f"{long_run:.4f}",
        )
    return table


def _plot(rows: list[dict[str, Any]], budgets: list[int], path: Path) -> None:
    matplotlib.use("Agg")
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for budget in budgets:
        own = [row for row in rows if row["budget"] == budget]
        counts, seconds = [row["images"] for row in own], [row["seconds"] for row in own]
        slope = math.log(seconds[-1] / seconds[0]) / math.log(counts[-1] / counts[0])
        axes.plot(counts, seconds, "o-", label=f"budget {budget}: grows as N^{slope:.2f}")
    counts = sorted({row["images"] for row in rows})
    least = min(row["seconds"] for row in rows)
    axes.plot(counts, [least * count / counts[0] for count in counts], ":", color="grey", label="linear")
    axes.set(xscale="log", yscale="log", xlabel="images", ylabel="seconds, two cores")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
