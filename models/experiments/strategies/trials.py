"""Which photos each strategy picks from many pools, and how well a probe learns from them."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from models.catalog import STRATEGIES
from models.experiments.setting import Names, Setting
from models.experiments.strategies.cells import DatasetCells
from models.experiments.strategies.kept import Kept
from models.experiments.strategies.oracle import Scores, score_picks
from models.selection.select import VERSION as SELECTION_VERSION

BUDGETS = (1, 2, 5, 10, 20, 40)
POOLS, DRAWS = 10, 50

POOL_SHARE = 0.8
"""The share of the train photos in a pool, drawn by chance without repetition. Some strategies give one
answer for a pool whatever the seed: other pools show how much that answer depends on the photos at hand.
"""

VERSION = 3
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


def planned(setting: Setting, work: Path, on_selection: Callable[[], object] = lambda: None) -> list[Trial]:
    """Every strategy at every budget: one selection for each of `setting.seeds` pools, and `setting.draws`
    random draws, which share the pools. `on_selection` is called `selections(setting)` times.

    A strategy that needs patches is left out if the encoder gives none. Picks stay in `work`.
    """
    kept = Kept(_file(setting, work, f"picks-{SELECTION_VERSION}"))
    trials = []
    for pool, budget, strategy in _questions(setting):
        members = pool_of(setting.data.train, pool)
        if strategy == "random":
            answers = [setting.random(budget, members, draw) for draw in _draws(setting, pool)]
        else:
            question = [strategy, budget, pool]
            if question not in kept:
                asked = max(_budgets(setting)) if STRATEGIES[strategy].nested else budget
                kept.keep(question, setting.selected(strategy, asked, members, seed=pool)[:budget])
            answers = [kept[question]]
        trials += [Trial(strategy, budget, pool, tuple(sorted(picks))) for picks in answers]
        on_selection()
    return trials


def selections(setting: Setting) -> int:
    """How often `planned` asks a strategy."""
    return len(_questions(setting))


def _questions(setting: Setting) -> list[tuple[int, int, str]]:
    able = [name for name, facts in STRATEGIES.items() if setting.patches is not None or not facts.patches]
    return list(product(range(setting.seeds), _budgets(setting), able))


def _budgets(setting: Setting) -> list[int]:
    return [budget for budget in BUDGETS if budget < round(POOL_SHARE * len(setting.data.train))]


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

    Each set of picks is fitted once. Scores stay in `work`: an experiment that was interrupted goes on from
    there. `on_fit(done, total)` is called after every fit, and once before.
    """
    kept = Kept(_file(setting, work, "scores"))
    waiting = [picks for picks in dict.fromkeys(trial.picks for trial in trials) if picks not in kept]
    waiting.sort(key=len)  # the cheap ones first
    rows = {name: row for row, name in enumerate(setting.data.train)}
    total = len(waiting)
    on_fit(0, total)

    def fitted(picks: Names) -> tuple[Scores, float]:
        start = time.perf_counter()
        scores = score_picks(cells, [rows[name] for name in picks])
        return scores, round(time.perf_counter() - start, 3)

    threads = ThreadPoolExecutor(parallel or os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        results = threads.map(fitted, waiting)
        for done, (picks, result) in enumerate(zip(waiting, results, strict=True), start=1):
            kept.keep(picks, result)
            on_fit(done, total)
    finally:
        threads.shutdown(cancel_futures=True)
    return [Scored(trial, *kept[trial.picks]) for trial in trials]


def _file(setting: Setting, work: Path, kind: str) -> Path:
    content = f"{VERSION} {setting.encoder} {setting.data.digest}"
    return work / f"strategies-{kind}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.jsonl"
