"""Time and memory of `select("words", …)` for large pools.

    python -m benchmarks.words_scale --images 10000 100000 --budget 100 --folder /tmp

Each run is a process of its own, so that its peak memory is known: the largest resident size, which includes
pages of the mapped files. Patches are those of made-up photos: 64 for each, of 64 numbers in float16, from a
thousand clusters of which a photo shows eight. They are memory-mapped from a file in `--folder` (8 GB for a
million photos).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Report, device_named, say, table
from benchmarks.selection_scale import peak_bytes
from models.encoders.patches import DIMENSION, GRID
from models.selection import select

CLUSTERS, SHOWN = 1000, 8
PHOTOS_A_BLOCK = 4096


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="keeps the patches; none: they are deleted")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/words_scale.json"))
    parser.add_argument("--run", nargs=2, metavar=("FILE", "IMAGES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        say(json.dumps(_run(Path(arguments.run[0]), int(arguments.run[1]), arguments.budget)))
        return
    report = Report(arguments.out, device_named("cpu"), budget=arguments.budget)
    with tempfile.TemporaryDirectory() as folder:
        file = _patches(arguments.folder or Path(folder), max(arguments.images))
        for images in sorted(arguments.images):
            command = [sys.executable, "-m", "benchmarks.words_scale", "--run", str(file), str(images)]
            command += ["--budget", str(arguments.budget)]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            report.add(images=images, **json.loads(done.stdout))
    say(table(report.rows))


def _patches(folder: Path, count: int) -> Path:
    """A `.npy` file with the patches of `count` photos, (count, 64, 64)."""
    file = folder / f"patches-{count}.npy"
    if file.exists():
        return file
    shape = (count, GRID**2, DIMENSION)
    written = np.lib.format.open_memmap(file, "w+", np.float16, shape)
    rng = np.random.default_rng(0)
    clusters = rng.normal(size=(CLUSTERS, DIMENSION)).astype(np.float32)
    for start in range(0, count, PHOTOS_A_BLOCK):
        block = written[start : start + PHOTOS_A_BLOCK]
        shown = rng.integers(0, CLUSTERS, (len(block), SHOWN))
        of_patch = np.take_along_axis(shown, rng.integers(0, SHOWN, (len(block), GRID**2)), axis=1)
        block[:] = clusters[of_patch] + 0.5 * rng.standard_normal(block.shape, np.float32)
    return file


def _run(file: Path, images: int, budget: int) -> dict[str, Any]:
    patches = np.load(file, mmap_mode="r")[:images]
    embeddings = np.ascontiguousarray(patches[:, 0])
    start = time.perf_counter()
    select("words", embeddings, budget, patches=patches)
    return {"seconds": time.perf_counter() - start, "peak_bytes": peak_bytes()}


if __name__ == "__main__":
    main()
