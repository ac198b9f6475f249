"""What the trials say about each strategy at each budget."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

from models.experiments.strategies.intervals import Interval
from models.experiments.strategies.trials import Scored

CONTROL = "random"
TWENTIETHS = 20


@dataclass(frozen=True)
class Outcome:
    """The mean IoUs of a strategy's selections of one size on the photos named by `kind`, `rest` or `val`.

    `difference` is by how much the strategy is better than the average random draw from the same pool: the
    mean over the pools. The control has none.
    """

    strategy: str
    budget: int
    kind: str
    scores: tuple[float, ...]
    difference: Interval | None

    @property
    def mean(self) -> Interval:
        return Interval.of(self.scores)

    @property
    def unlucky(self) -> float:
        """One selection in twenty is worse: the 5 % quantile."""
        return quantiles(self.scores, n=TWENTIETHS, method="inclusive")[0]

    @property
    def lucky(self) -> float:
        """One selection in twenty is better: the 95 % quantile."""
        return quantiles(self.scores, n=TWENTIETHS, method="inclusive")[-1]


def outcomes(scored: Sequence[Scored], kind: str) -> list[Outcome]:
    """One for every strategy and budget, in the order of the trials."""
    by_pool: dict[tuple[str, int], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in scored:
        by_pool[one.trial.strategy, one.trial.budget][one.trial.pool].append(one.scores[kind])
    return [
        Outcome(
            strategy,
            budget,
            kind,
            tuple(score for scores in pools.values() for score in scores),
            None if strategy == CONTROL else _difference(pools, by_pool[CONTROL, budget]),
        )
        for (strategy, budget), pools in by_pool.items()
    ]


def _difference(pools: dict[int, list[float]], drawn: dict[int, list[float]]) -> Interval:
    return Interval.of([fmean(scores) - fmean(drawn[pool]) for pool, scores in pools.items()])
