"""How well a selection covers the pool after each pick, compared with random draws of the same size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.selection import Coverage
from models.similarity import typical_distance
from models.vectors.blocks import blocks, on_all_threads
from models.vectors.distances import distance_table, euclidean, nearest_centres
from models.vectors.points import Distances, Indices, Matrix, Points, Vectors

DELTA_SHARE = 0.7
"""The default δ, as a share of the typical distance. Chosen by eye, with EfficientNet-Lite0: two images
within δ show the same kind of scene (two shopping streets, two blocks of terraced houses); at a share of 0.8
a car park and a junction would count as near.
"""

SAMPLE = 4096
"""At most this many images measure the random draws, and the draws are made from at least this many."""

DRAWN_FROM = 8
"""Draws are made from at least this many times the budget. Draws that share most of their images are too
alike, and their quantiles lie too close together. With 8 times the budget, their spread is 94 % of the spread
over all images.
"""

WORK = 2**31
"""About how many distances all draws together use; for large budgets fewer images are measured."""

AT_ONCE = 2**22
"""Distances between images and picks that a thread holds at a time: 16 MiB."""

Rows = Sequence[int] | Indices


@dataclass(frozen=True)
class RandomDraws:
    """Random selections of the same budget, measured on `images` images of the pool.

    `mean`, `low` and `high` are the mean and the 5 % and 95 % quantiles, over the draws, of the mean distance
    to the nearest drawn or labelled image. `beaten` is the share of the draws whose mean distance is greater
    than the selection's; a tie counts half.
    """

    draws: int
    beaten: float
    mean: float
    low: float
    high: float
    images: int


@dataclass(frozen=True)
class CurvePoint:
    """The mean distance to the nearest picked or labelled image after the first `budget` picks.

    `random_mean`, `random_low` and `random_high` are the mean and the 5 % and 95 % quantiles of this distance
    for random draws of the same number of images.
    """

    budget: int
    mean_distance: float
    random_mean: float
    random_low: float
    random_high: float


@dataclass(frozen=True)
class Explanation:
    """How good a selection is. All distances are Euclidean, between embeddings.

    `coverage` is over all counted images; its `within` is the share of images within `delta`. `curve` has a
    point for every number of picks, from 0 if images are labelled already, else from 1. `knee` is the budget
    at which the curve bends (see the function `knee`), or None if it does not bend.
    """

    coverage: Coverage
    delta: float
    random: RandomDraws
    curve: list[CurvePoint]
    knee: int | None


def explain(
    embeddings: Vectors | Points,
    picks: Rows,
    labelled: Rows = (),
    counted: Rows | None = None,
    *,
    seed: int = 0,
    draws: int = 1000,
    delta: float | None = None,
) -> Explanation:
    """How well `picks`, in the order to label them, cover the images `counted` (by default all) of
    `embeddings`, (N, D), in addition to the images `labelled` before. A pick that is labelled by now still
    counts as a pick.

    `delta` is by default 0.7 of the `typical_distance`. Random draws are made from the counted images without
    a label. They are measured on all images of a small pool, or on a random sample of a large one (at most
    `SAMPLE` images, fewer for large budgets). `embeddings` may be float16 and memory-mapped; in addition to
    them, memory holds about 128 MiB (more for budgets above 4,000), and 8 bytes per image. Raises ValueError
    without picks or without counted images.
    """
    points = Points.of(embeddings)
    chosen = np.asarray(picks, np.intp)
    taken = np.setdiff1d(np.asarray(labelled, np.intp), chosen)
    rows = np.arange(len(points)) if counted is None else np.asarray(counted, np.intp)
    if not len(chosen) or not len(rows):
        raise ValueError("An explanation needs at least one pick, and one image to cover.")
    to_labelled = nearest_centres(points, taken)[1]
    nearest, means = _covered(points, chosen, rows, to_labelled)
    candidates = np.setdiff1d(np.union1d(rows, chosen), taken)
    own, drawn, images = _drawn(points, chosen, rows, candidates, to_labelled, draws, seed)
    if delta is None:
        delta = DELTA_SHARE * typical_distance(points.embeddings)
    first = 0 if len(taken) else 1  # without labels, 0 picks leave infinite distances
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
    """A point for every budget from `first` on, of the picks' `means`, (B,), and the draws' means, (draws,
    B).
    """
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    columns = zip(means.tolist(), drawn.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [CurvePoint(budget, *distances) for budget, distances in enumerate(columns, first)]


def knee(budgets: Sequence[int], mean_distances: Distances) -> int | None:
    """The budget at which a falling curve bends: the point farthest below the straight line between its ends.

    This is Kneedle (Satopää, Albrecht, Irwin and Raghavan, 2011), applied to the whole curve without
    smoothing. None if no point lies below the line.
    """
    x, y = np.asarray(budgets, np.float64), np.asarray(mean_distances, np.float64)
    if len(x) < 3 or not y[0] > y[-1]:
        return None
    below = (x[-1] - x) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
    # If only rounding bends the line, there is no knee.
    return int(budgets[int(below.argmax())]) if below.max() > 1e-6 else None


def _covered(
    points: Points, picks: Indices, rows: Indices, to_labelled: Matrix
) -> tuple[Distances, Distances]:
    """For the images `rows`, (M,): the distance of each one to the nearest picked or labelled image, (M,),
    and the mean of these distances after 0, 1, 2, … picks, (budget + 1,).
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
    """Measure picks and random draws on a sample of `rows`. Returns the mean distance that the picks leave,
    the mean distances that each random draw leaves after 0, 1, 2, … of its images, (draws, budget + 1), and
    the size of the sample. A draw has as many candidates as there are picks.
    """
    rng, budget = np.random.default_rng(seed), len(picks)
    images = _sample(rows, min(SAMPLE, max(SAMPLE // 8, WORK // (draws * budget))), rng)
    # Drawn independently of the measured images: otherwise part of a draw would be measured on itself.
    candidates = _sample(candidates, max(SAMPLE, DRAWN_FROM * budget), rng)
    start, own = to_labelled[images], distance_table(points, picks, images)
    distances = distance_table(points, candidates, images)

    def draw(number: int) -> Distances:
        places = np.random.default_rng([seed, number]).permutation(len(candidates))[:budget]
        means: Distances = _so_far(distances[places], start).mean(axis=1, dtype=np.float64)
        return means

    left = float(_so_far(own, start)[-1].mean(dtype=np.float64))
    return left, np.array(on_all_threads(draw, range(draws))), len(images)


def _so_far(distances: Matrix, start: Matrix) -> Matrix:
    """The minimum of `start`, (M,), and the first 0, 1, 2, … rows of `distances`, (K, M): (K + 1, M)."""
    least: Matrix = np.concatenate([start[None], distances])
    return np.minimum.accumulate(least, axis=0, out=least)


def _sample(rows: Indices, count: int, rng: np.random.Generator) -> Indices:
    """At most `count` of the rows, sorted."""
    return rows if len(rows) <= count else np.sort(rng.permutation(rows)[:count])
