"""What a selection achieves pick by pick, and what random draws of as many images achieve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.selection import Coverage
from models.similarity import typical_distance
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import euclidean, nearest_of, table
from models.vectors.points import Distances, Indices, Matrix, Points, Vectors

DELTA_SHARE = 0.7
"""The default δ, as a share of the typical distance. Chosen by eye, with EfficientNet-Lite0: images that near
to each other show the same kind of scene (two shopping streets, two blocks of terraced houses); at 0.8 a car
park is as near as a junction.
"""

SAMPLE = 4096
"""At most so many images are measured against the random draws, and at least as many are drawn from."""

DRAWN_FROM = 8
"""At least so many times the budget are drawn from: draws that share most of their images are too alike, and
a percentile among them is too sure of itself. From 8 times, their spread is 94 % of that from all images.
"""

WORK = 2**31
"""Distances looked at in all draws together, about; for large budgets fewer images are measured."""

AT_ONCE = 2**22
"""Distances of images to picks that a thread looks at together: 16 MiB."""

Rows = Sequence[int] | Indices


@dataclass(frozen=True)
class RandomDraws:
    """Selections of the same budget drawn at random, measured on `images` images of the pool.

    `mean`, `low` and `high` are the mean and the 5 % and 95 % quantiles, over the draws, of the mean distance
    to the nearest image that is drawn or labelled. `beaten` is the share of the draws whose mean distance is
    above the selection's; a tie counts half.
    """

    draws: int
    beaten: float
    mean: float
    low: float
    high: float
    images: int


@dataclass(frozen=True)
class CurvePoint:
    """What the first `budget` picks achieve: the mean distance to the nearest image picked or labelled.

    `random_mean`, `random_low` and `random_high` are the mean, 5 % and 95 % quantiles of as many images drawn
    at random.
    """

    budget: int
    mean_distance: float
    random_mean: float
    random_low: float
    random_high: float


@dataclass(frozen=True)
class Explanation:
    """How good a selection is. All distances are Euclidean, between embeddings.

    `coverage` is of all counted images, its share `within` that of those nearer than `delta`. `curve` has a
    point for every number of picks, beginning with 0 where images are labelled already. `knee` is the
    budget at which the curve bends (see `knee`); None where it does not.
    """

    coverage: Coverage
    delta: float
    random: RandomDraws
    curve: list[CurvePoint]
    knee: int | None


def explain(
    embeddings: Vectors,
    picks: Rows,
    labelled: Rows = (),
    counted: Rows | None = None,
    *,
    seed: int = 0,
    draws: int = 1000,
    delta: float | None = None,
) -> Explanation:
    """How well `picks`, in the order to label them, cover the images `counted` (by default all) of
    `embeddings`, (N, D), beside the images `labelled` before (picks that are labelled by now stay picks).

    `delta` is by default 0.7 of the `typical_distance`. Random draws are of counted images without a label,
    and measured on all of a small pool, on a random sample of a large one (at most `SAMPLE` images, fewer
    for large budgets). `embeddings` may be float16 and memory-mapped; besides them, memory holds about
    128 MiB (more for budgets above 4,000), and 8 bytes an image. Raises ValueError without picks or counted
    images.
    """
    points = Points.of(embeddings)
    chosen = np.asarray(picks, np.intp)
    taken = np.setdiff1d(np.asarray(labelled, np.intp), chosen)
    rows = np.arange(len(points)) if counted is None else np.asarray(counted, np.intp)
    if not len(chosen) or not len(rows):
        raise ValueError("An explanation needs at least one pick, and one image to cover.")
    to_labelled = nearest_of(points, taken)[1]
    nearest, means = _covered(points, chosen, rows, to_labelled)
    candidates = np.setdiff1d(np.union1d(rows, chosen), taken)
    own, drawn, images = _drawn(points, chosen, rows, candidates, to_labelled, draws, seed)
    if delta is None:
        delta = DELTA_SHARE * typical_distance(embeddings)
    first = 0 if len(taken) else 1  # without a label, 0 images are infinitely far
    means, drawn = means[first:] * points.scale, drawn[:, first:] * points.scale
    curve = _curve(first, means, drawn)
    end, nearest = curve[-1], nearest * points.scale
    last, tie = drawn[:, -1], np.isclose(drawn[:, -1], own * points.scale, rtol=1e-6)
    beaten = float(((last > own * points.scale) & ~tie).mean() + tie.mean() / 2)
    return Explanation(
        Coverage(float(nearest.mean()), float(nearest.max()), float((nearest <= delta).mean())),
        delta,
        RandomDraws(draws, beaten, end.random_mean, end.random_low, end.random_high, images),
        curve,
        knee([point.budget for point in curve], means),
    )


def _curve(first: int, means: Distances, drawn: Distances) -> list[CurvePoint]:
    """A point for every budget from `first` on: the picks' `means`, (B,), beside the draws', (draws, B)."""
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    columns = zip(means.tolist(), drawn.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [CurvePoint(budget, *distances) for budget, distances in enumerate(columns, first)]


def knee(budgets: Sequence[int], mean_distances: Distances) -> int | None:
    """The budget at which a falling curve bends: the point farthest below the straight line between its ends.

    This is Kneedle (Satopää, Albrecht, Irwin and Raghavan, 2011) of a whole, unsmoothed curve. None when no
    point lies below the line.
    """
    x, y = np.asarray(budgets, np.float64), np.asarray(mean_distances, np.float64)
    if len(x) < 3 or not y[0] > y[-1]:
        return None
    below = (x[-1] - x) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
    # Where rounding alone bends the line there is no knee.
    return int(budgets[int(below.argmax())]) if below.max() > 1e-6 else None


def _covered(
    points: Points, picks: Indices, rows: Indices, to_labelled: Matrix
) -> tuple[Distances, Distances]:
    """Of the images `rows`: each one's distance to the nearest image picked or labelled, and the mean of
    these for every number of picks from 0, (budget + 1,).
    """
    of_picks, at_once = points[picks], min(1024, max(1, AT_ONCE // len(picks)))

    def part(block: slice) -> tuple[Distances, Distances]:
        so_far = _so_far(euclidean(of_picks, points[rows[block]]), to_labelled[rows[block]])
        return so_far[-1].astype(np.float64), so_far.sum(axis=1, dtype=np.float64)

    nearest, sums = zip(*on_all_threads(part, blocks(len(rows), at_once)), strict=True)
    return np.concatenate(nearest), np.sum(sums, axis=0) / len(rows)


def _drawn(
    points: Points,
    picks: Indices,
    rows: Indices,
    candidates: Indices,
    to_labelled: Matrix,
    draws: int,
    seed: int,
) -> tuple[float, Distances, int]:
    """On a sample of `rows`: the mean distance that the picks leave, those that each random draw of as many
    candidates leaves after 0, 1, 2, … of its images, (draws, budget + 1), and the size of the sample.
    """
    rng, budget = np.random.default_rng(seed), len(picks)
    images = _sample(rows, min(SAMPLE, max(SAMPLE // 8, WORK // (draws * budget))), rng)
    # Drawn apart from the images measured: among these, a share of the draw would measure itself.
    candidates = _sample(candidates, max(SAMPLE, DRAWN_FROM * budget), rng)
    start, own = to_labelled[images], table(points, picks, images)
    distances = table(points, candidates, images)

    def draw(number: int) -> Distances:
        places = np.random.default_rng([seed, number]).permutation(len(candidates))[:budget]
        means: Distances = _so_far(distances[places], start).mean(axis=1, dtype=np.float64)
        return means

    left = float(_so_far(own, start)[-1].mean(dtype=np.float64))
    return left, np.array(on_all_threads(draw, range(draws))), len(images)


def _so_far(distances: Matrix, start: Matrix) -> Matrix:
    """The least of `start`, (M,), and the first 0, 1, 2, … rows of `distances`, (K, M): (K + 1, M)."""
    least: Matrix = np.concatenate([start[None], distances])
    return np.minimum.accumulate(least, axis=0, out=least)


def _sample(rows: Indices, count: int, rng: np.random.Generator) -> Indices:
    """At most `count` of the rows, sorted."""
    return rows if len(rows) <= count else np.sort(rng.permutation(rows)[:count])
