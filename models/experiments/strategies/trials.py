"""Which photos each strategy picks from many pools, and how well a probe learns from them."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from models.catalog import STRATEGIES
from models.experiments.setting import Names, Setting
from models.experiments.strategies.cells import DatasetCells
from models.experiments.strategies.oracle import Scores, score_picks

BUDGETS = (1, 2, 5, 10, 20, 40)
POOLS, DRAWS = 10, 50

POOL_SHARE = 0.8
"""The share of the train photos in a pool, drawn by chance without repetition. Some strategies give one
answer for a pool whatever the seed: other pools show how much that answer depends on the photos at hand.
"""

VERSION = 1
"""Raised whenever the same picks would get other scores."""


@dataclass(frozen=True)
class Trial:
    """What a strategy picked from pool number `pool`, as sorted names of train photos."""

    strategy: str
    budget: int
    pool: int
    picks: Names


@dataclass(frozen=True)
class Scored:
    """A trial, the mean IoUs of the probe by what was scored (`val`, `rest`), and the seconds it took."""

    trial: Trial
    scores: Scores
    seconds: float


def pool_of(photos: Names, number: int) -> Names:
    """Pool number `number`: POOL_SHARE of the photos, in their order."""
    random = np.random.default_rng([number])
    rows = random.choice(len(photos), round(POOL_SHARE * len(photos)), replace=False)
    return tuple(photos[row] for row in np.sort(rows))


def planned(setting: Setting, on_selection: Callable[[], object] = lambda: None) -> list[Trial]:
    """Every strategy at every budget: one selection for each of `setting.seeds` pools, and `setting.draws`
    random draws, which share the pools. `on_selection` is called `selections(setting)` times.
    """
    trials = []
    for pool, budget, strategy in _questions(setting):
        members = pool_of(setting.data.train, pool)
        if strategy == "random":
            answers = [setting.random(budget, members, draw) for draw in _draws(setting, pool)]
        else:
            answers = [setting.selected(strategy, budget, members, seed=pool)]
        trials += [Trial(strategy, budget, pool, tuple(sorted(picks))) for picks in answers]
        on_selection()
    return trials


def selections(setting: Setting) -> int:
    """How often `planned` asks a strategy."""
    return len(_questions(setting))


def _questions(setting: Setting) -> list[tuple[int, int, str]]:
    largest = round(POOL_SHARE * len(setting.data.train))
    budgets = [budget for budget in BUDGETS if budget < largest]
    return list(product(range(setting.seeds), budgets, STRATEGIES))


def _draws(setting: Setting, pool: int) -> range:
    """The numbers of the random draws from a pool: every `seeds`-th of all draws."""
    return range(pool, setting.draws, setting.seeds)


def run(
    trials: Sequence[Trial],
    cells: DatasetCells,
    setting: Setting,
    work: Path,
    parallel: int | None = None,
    on_fit: Callable[[int, int], object] = lambda done, total: None,
) -> list[Scored]:
    """The scores of all trials, `parallel` fits at a time (by default one per core).

    Each set of picks is fitted once, and its scores are a line of a file in `work`: an experiment that was
    interrupted goes on from there. `on_fit(done, total)` is called after every fit, and once before.
    """
    file = _scores_file(setting, work)
    known = _read(file)
    waiting = [picks for picks in dict.fromkeys(trial.picks for trial in trials) if picks not in known]
    rows = {name: row for row, name in enumerate(setting.data.train)}
    total = len(waiting)
    on_fit(0, total)

    def fitted(picks: Names) -> tuple[Names, Scores, float]:
        start = time.perf_counter()
        scores = score_picks(cells, [rows[name] for name in picks])
        return picks, scores, round(time.perf_counter() - start, 3)

    threads = ThreadPoolExecutor(parallel or os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        with file.open("a", encoding="utf-8") as lines:
            for done, (picks, scores, seconds) in enumerate(threads.map(fitted, waiting), start=1):
                known[picks] = scores, seconds
                lines.write(json.dumps({"picks": picks, "scores": scores, "seconds": seconds}) + "\n")
                lines.flush()
                on_fit(done, total)
    finally:
        threads.shutdown(cancel_futures=True)
    return [Scored(trial, *known[trial.picks]) for trial in trials]


def _scores_file(setting: Setting, work: Path) -> Path:
    content = f"{VERSION} {setting.encoder} {setting.data.digest}"
    file = work / f"strategies-{hashlib.sha256(content.encode()).hexdigest()[:12]}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


def _read(file: Path) -> dict[Names, tuple[Scores, float]]:
    """The scores of earlier fits by picks. A last line that was cut off is ended, so that it does no harm."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        file.write_text("".join(lines[:-1]), encoding="utf-8")
    return dict(_parsed(line for line in lines if line.endswith("\n")))


def _parsed(lines: Iterable[str]) -> Iterable[tuple[Names, tuple[Scores, float]]]:
    for line in lines:
        entry = json.loads(line)
        yield tuple(entry["picks"]), (entry["scores"], entry["seconds"])
