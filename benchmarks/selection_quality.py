"""The k-medoids objective of every strategy, compared with random draws and a long FasterPAM run.

    pip install -e '.[benchmark]'
    python -m benchmarks.selection_quality --data CAMVID MAPS

Each folder of `--data` has train/ and val/, each with images/ and labels/; docs/reproduce.md says where
CamVid and Maps come from.

The objective is the mean distance of the images to the nearest pick. The reference is the best of 20 runs
of rustpam's eager swaps on the full distance matrix, each from another random start. The pools are the
train photos of each data set, and 3,000 clustered points of 512 dimensions. Figures in brackets compare
the first k of 100 picks with k picks chosen for the budget k. The worst prefix is the worst such ratio
over all budgets. In a further round, images are picked after 10 picks of `kmedoids` were labelled;
figures are means of five seeds.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table
from rustpam import swap_eager
from sklearn.metrics import pairwise_distances

from benchmarks.clustered import clustered
from benchmarks.measuring import write_json
from models.catalog import STRATEGIES
from models.experiments import Dataset, train_features
from models.machine import describe_machine
from models.selection import select

Vectors = npt.NDArray[np.floating]

BY_EMBEDDINGS = [name for name, facts in STRATEGIES.items() if not facts.patches]
"""The strategies that lower distances between embeddings, or that use nothing at all."""

BUDGETS = (1, 5, 10, 20, 40, 100)
LENGTHS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 70)
"""Lengths of prefixes."""

LABELLED = 10
FURTHER = (5, 10, 20)
"""Budgets of a further round, after `LABELLED` picks of `kmedoids` were labelled."""

RUNS = 20
SEEDS = 5
console = Console(width=140)


@dataclass(frozen=True)
class Row:
    """A strategy's objectives on one pool by budget; `prefixes`: objectives of the first k of 100 picks.

    `worst_prefix` is the share by which the objective of the first `worst_length` picks for `worst_budget` is
    above that of a selection of `worst_length` picks.
    """

    pool: str
    strategy: str
    objectives: list[float]
    prefixes: list[float]
    worst_prefix: float | None = None
    worst_length: int | None = None
    worst_budget: int | None = None


@dataclass(frozen=True)
class Round:
    """A strategy's objectives after a further round, by the round's budget: means over `SEEDS` seeds."""

    pool: str
    strategy: str
    objectives: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="*", default=[], metavar="DIR", help="data sets")
    parser.add_argument("--encoder", default="efficientnet_lite0")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/selection_quality.json"))
    arguments = parser.parse_args()
    pools: dict[str, Vectors] = {}
    for directory in arguments.data:
        data = Dataset(directory)
        pools[data.name], _ = train_features(data, arguments.encoder, Path("experiments"))
    pools["clustered"] = np.empty((3000, 512), np.float32)
    clustered(3000, 512, pools["clustered"])
    rows = [row for name, vectors in pools.items() for row in _rows(name, vectors)]
    rounds = [round for name, vectors in pools.items() for round in _rounds(name, vectors)]
    for name in pools:
        console.print(_table(name, [row for row in rows if row.pool == name]))
        console.print(_rounds_table(name, [round for round in rounds if round.pool == name]))
    report: dict[str, Any] = {
        "machine": describe_machine(torch.device("cpu")),
        "encoder": arguments.encoder,
        "images": {name: len(vectors) for name, vectors in pools.items()},
        "budgets": BUDGETS,
        "rows": [asdict(row) for row in rows],
        "labelled": LABELLED,
        "further": FURTHER,
        "rounds": [asdict(round) for round in rounds],
    }
    write_json(arguments.out, report)


def _rows(pool: str, vectors: Vectors) -> list[Row]:
    distances = pairwise_distances(vectors.astype(np.float64)).astype(np.float32)
    reference = [
        min(_objective(distances, _swapped(distances, k, run)) for run in range(RUNS)) for k in BUDGETS
    ]
    rows = [Row(pool, "reference", reference, [])]
    for strategy in BY_EMBEDDINGS:
        if strategy == "random":
            drawn = [[_picks(strategy, vectors, k, seed) for seed in range(RUNS)] for k in BUDGETS]
            means = [fmean(_objective(distances, picks) for picks in draws) for draws in drawn]
            rows.append(Row(pool, strategy, means, []))
            continue
        picks = {k: _picks(strategy, vectors, k) for k in {*BUDGETS, *LENGTHS}}
        alone = {k: _objective(distances, picks[k]) for k in picks}
        behind = [
            (_objective(distances, picks[budget][:length]) / alone[length] - 1, length, budget)
            for budget in BUDGETS
            for length in LENGTHS
            if length < budget
        ]
        most = picks[max(BUDGETS)]
        prefixes = [_objective(distances, most[:k]) for k in BUDGETS]
        rows.append(Row(pool, strategy, [alone[k] for k in BUDGETS], prefixes, *max(behind)))
    return rows


def _rounds(pool: str, vectors: Vectors) -> list[Round]:
    distances = pairwise_distances(vectors.astype(np.float64)).astype(np.float32)
    labelled = _picks("kmedoids", vectors, LABELLED)

    def objective(strategy: str, budget: int, seed: int) -> float:
        return _objective(distances, labelled + _picks(strategy, vectors, budget, seed, labelled))

    def mean(strategy: str, budget: int) -> float:
        seeds = RUNS if strategy == "random" else SEEDS
        return fmean(objective(strategy, budget, seed) for seed in range(seeds))

    return [Round(pool, strategy, [mean(strategy, k) for k in FURTHER]) for strategy in BY_EMBEDDINGS]


def _picks(
    strategy: str, vectors: Vectors, budget: int, seed: int = 0, labelled: Sequence[int] = ()
) -> list[int]:
    return [pick.index for pick in select(strategy, vectors, budget, seed=seed, labelled=labelled).picks]


def _swapped(distances: npt.NDArray[np.float32], k: int, seed: int) -> list[int]:
    """Medoids by FasterPAM from a random start; for one medoid, the best."""
    if k == 1:
        return [int(distances.sum(axis=1, dtype=np.float64).argmin())]
    count = len(distances)
    start = np.random.default_rng(seed).choice(count, k, replace=False).tolist()
    found = swap_eager(distances, start, k, 10_000, count, count, np.float32(0))
    return [int(row) for row in found["medoids"]]


def _objective(distances: npt.NDArray[np.float32], picks: list[int]) -> float:
    return float(distances[picks].min(axis=0).mean(dtype=np.float64))


def _table(pool: str, rows: list[Row]) -> Table:
    """Objectives as shares above the reference; in brackets the share of a prefix above its own budget."""
    table = Table(
        title=f"{pool}: mean distance to the nearest pick, above the reference", title_justify="left"
    )
    table.add_column("strategy")
    for budget in BUDGETS:
        table.add_column(str(budget), justify="right")
    table.add_column("worst prefix", justify="right")
    reference = rows[0].objectives
    for row in rows:
        cells = [f"{value:.4g}" for value in reference]
        if row is not rows[0]:
            cells = [
                f"{100 * (value / least - 1):+.2f} %"
                for value, least in zip(row.objectives, reference, strict=True)
            ]
        if row.prefixes:
            prefixes = zip(row.prefixes, row.objectives, strict=True)
            cells = [
                f"{cell} ({100 * (prefix / alone - 1):+.1f})"
                for cell, (prefix, alone) in zip(cells, prefixes, strict=True)
            ]
        worst = ""
        if row.worst_prefix is not None:
            worst = f"{100 * row.worst_prefix:+.1f} % ({row.worst_length} of {row.worst_budget})"
        table.add_row(row.strategy, *cells, worst)
    return table


def _rounds_table(pool: str, rounds: list[Round]) -> Table:
    """Objectives; in brackets the gain over random draws, as a share of the best strategy's gain."""
    table = Table(title=f"{pool}: after a further round, {LABELLED} being labelled", title_justify="left")
    table.add_column("strategy")
    for budget in FURTHER:
        table.add_column(f"{budget} more", justify="right")
    columns = list(zip(*(round.objectives for round in rounds), strict=True))
    drawn = next(round for round in rounds if round.strategy == "random").objectives
    for round in rounds:
        cells = [
            f"{value:.4g} ({100 * (random - value) / (random - min(column)):.0f} %)"
            for value, random, column in zip(round.objectives, drawn, columns, strict=True)
        ]
        table.add_row(round.strategy, *cells)
    return table


if __name__ == "__main__":
    main()
