"""Time, memory and objective of `select("kmedoids", …)` from ten thousand images to a million.

    python -m benchmarks.selection_scale --images 10000 100000 1000000 --budgets 100 1000 --folder /tmp

Each run is a process of its own, so that its peak memory is known: the largest resident size, which includes
pages of the mapped embeddings (VmHWM in /proc/self/status, on Linux; getrusage would include the parent's
memory). A run on the CPU sees no GPU. Embeddings are clustered points in float16, memory-mapped from a file
in `--folder` (4 GB for a million points of 2,048 dimensions).

`--long-run` names budgets for which a long k-means (scikit-learn, `n_init=3`) on an even sample of 50,000
images finds medoids too. The mean distance of all images to them is compared with our objective, for the
largest number of images.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import clustered
from benchmarks.measuring import Report, Row, device_named, say, table
from models.faiss_shim import faiss
from models.selection import coverage, select

SAMPLE = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--budgets", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--device", default="auto", help="a GPU's runs are repeated on the CPU")
    parser.add_argument("--long-run", type=int, nargs="*", default=[], metavar="BUDGET")
    parser.add_argument("--starts", type=int, default=3, help="of the long run's k-means")
    parser.add_argument("--folder", type=Path, help="keeps the embeddings; none: they are deleted")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/selection_scale.json"))
    parser.add_argument("--plot", type=Path, help="draw the times of the runs on the CPU into this file")
    parser.add_argument("--run", nargs=3, metavar=("FILE", "IMAGES", "BUDGET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        file, images, budget = arguments.run
        say(json.dumps(_run(Path(file), int(images), int(budget))))
        return
    device = device_named(arguments.device)
    report = Report(arguments.out, device, dimension=arguments.dimension)
    with tempfile.TemporaryDirectory() as folder:
        file = _embeddings(arguments.folder or Path(folder), max(arguments.images), arguments.dimension)
        devices = ("cuda", "cpu") if device.type == "cuda" else ("cpu",)
        for images, run_on, budget in product(sorted(arguments.images), devices, arguments.budgets):
            row: dict[str, Any] = {"images": images, "budget": budget, "device": run_on}
            row |= _run_apart(file, images, budget, run_on)
            if run_on == "cpu" and (on_gpu := _objective(report.rows, images, budget, "cuda")):
                row["gpu_objective_of_this"] = on_gpu / row["objective"]
            if run_on == "cpu" and images == max(arguments.images) and budget in arguments.long_run:
                row["long_run_starts"] = arguments.starts
                row["long_run_on_a_sample"] = _long_run(file, budget, arguments.starts)
            report.add(**row)
    say(table(report.rows))
    if arguments.plot:
        _plot([row for row in report.rows if row["device"] == "cpu"], arguments.budgets, arguments.plot)


def _embeddings(folder: Path, count: int, dimension: int) -> Path:
    file = folder / f"clustered-{count}x{dimension}.npy"
    if not file.exists():
        shape = (count, dimension)
        clustered(count, dimension, np.lib.format.open_memmap(file, "w+", np.float16, shape))
    return file


def _run_apart(file: Path, images: int, budget: int, device: str) -> dict[str, Any]:
    """The figures of a run in a process of its own, or a note why there are none."""
    if device == "cuda" and not faiss.get_num_gpus():
        return {"note": "skipped: FAISS has no GPU code, or there is no GPU"}
    command = [
        sys.executable,
        "-m",
        "benchmarks.selection_scale",
        "--run",
        str(file),
        str(images),
        str(budget),
    ]
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        return {"note": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _run(file: Path, images: int, budget: int) -> dict[str, Any]:
    vectors = np.load(file, mmap_mode="r")[:images]
    start = time.perf_counter()
    selection = select("kmedoids", vectors, budget)
    return {
        "seconds": time.perf_counter() - start,
        "peak_bytes": peak_bytes(),
        "objective": selection.picks[-1].coverage,
    }


def _objective(rows: list[Row], images: int, budget: int, device: str) -> float | None:
    asked = {"images": images, "budget": budget, "device": device}
    return next((row.get("objective") for row in rows if asked.items() <= row.items()), None)


def peak_bytes() -> int:
    """The largest resident size of this process since its start."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _long_run(file: Path, budget: int, starts: int) -> float:
    """The mean distance of all images to the medoids of a long k-means on a sample."""
    from sklearn.cluster import KMeans  # here, as the runs do without it

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


def _plot(rows: list[Row], budgets: list[int], path: Path) -> None:
    import matplotlib  # here, as the runs do without it
    from matplotlib import pyplot

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
