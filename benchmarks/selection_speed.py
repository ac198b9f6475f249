"""k-means and exact medoids against the usual way: scikit-learn's KMeans and a loop over its clusters.

    python -m benchmarks.selection_speed --images 100000 --dimension 2048 --budget 100 --repeats 5

Both ways choose from the same clustered float32 points, in one process and in turns. The plain way runs
KMeans(n_init=1) and takes, for each cluster, the row with the least sum of pairwise distances. Ours is
`select("kmedoids", …)` with everything it does: restarts, exact medoids, their order, and figures of
every pick.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances

from benchmarks.clustered import clustered
from benchmarks.measuring import say, table, write_json
from models.machine import describe_machine
from models.selection import coverage, select

Vectors = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/selection_speed.json"))
    arguments = parser.parse_args()
    vectors = np.empty((arguments.images, arguments.dimension), np.float32)
    clustered(arguments.images, arguments.dimension, vectors)
    ways: dict[str, Callable[[int], list[int]]] = {
        "plain": lambda seed: _plain(vectors, arguments.budget, seed),
        "fewpairs": lambda seed: _ours(vectors, arguments.budget, seed),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    objectives: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(arguments.repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            picks = way(seed)
            seconds[name].append(time.perf_counter() - start)
            objectives[name].append(coverage(vectors, picks).mean)
    ratio = median(plain / ours for plain, ours in zip(seconds["plain"], seconds["fewpairs"], strict=True))
    medians = [
        {"way": name, "seconds": median(seconds[name]), "mean_distance": median(objectives[name])}
        for name in ways
    ]
    say(f"{table(medians)}\n{ratio:.1f} times as fast (median of {arguments.repeats} pairs)")
    report = {
        "machine": describe_machine(torch.device("cpu")),
        "images": arguments.images,
        "dimension": arguments.dimension,
        "budget": arguments.budget,
        "seconds": seconds,
        "objectives": objectives,
        "ratio": ratio,
    }
    write_json(arguments.out, report)


def _plain(vectors: Vectors, budget: int, seed: int) -> list[int]:
    labels = KMeans(budget, n_init=1, random_state=seed).fit(vectors).labels_
    picks = []
    for cluster in range(budget):
        members = np.flatnonzero(labels == cluster)
        sums = pairwise_distances(vectors[members]).sum(axis=1)
        picks.append(int(members[sums.argmin()]))
    return picks


def _ours(vectors: Vectors, budget: int, seed: int) -> list[int]:
    return [pick.index for pick in select("kmedoids", vectors, budget, seed=seed).picks]


if __name__ == "__main__":
    main()
