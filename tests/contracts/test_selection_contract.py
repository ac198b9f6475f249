"""What every selection strategy in `STRATEGIES` (models/catalog/strategies.py) promises."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.catalog import STRATEGIES
from models.selection import Selection, assignment, coverage
from models.selection import select as select_by

Vectors = npt.NDArray[np.floating]


def select(strategy: str, vectors: Vectors, budget: int, **options: Any) -> Selection:
    """A selection from images that have two patches each: their vectors, forwards and backwards."""
    if strategy in STRATEGIES and STRATEGIES[strategy].patches:
        options = options | {"patches": np.stack([vectors, vectors[..., ::-1]], axis=1)}
    return select_by(strategy, vectors, budget, **options)


every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
few_examples = settings(max_examples=30, deadline=None)


@dataclass(frozen=True)
class Question:
    """Valid arguments of `select`."""

    vectors: Vectors
    budget: int
    options: dict[str, Any]

    @property
    def candidates(self) -> set[int]:
        return set(range(len(self.vectors))) - {*self.options["labelled"], *self.options["exclude"]}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Small embeddings of any shape and float type, with duplicates and zeros; labelled, included and
    excluded rows; weights or none; a budget and a seed.
    """
    dtype = draw(st.sampled_from([np.float16, np.float32]))
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 6)))
    few = st.sampled_from([0.0, 0.0, 1.0, -2.5, 100.0]) | st.floats(-50, 50, width=16)
    vectors = draw(arrays.arrays(dtype, shape, elements=few))
    order = draw(st.permutations(range(len(vectors))))
    cuts = sorted(draw(st.lists(st.integers(0, len(vectors) - 1), min_size=2, max_size=2)))
    labelled, exclude, candidates = order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]
    budget = draw(st.integers(1, len(candidates)))
    weights = st.lists(st.sampled_from([0.0, 0.1, 1.0, 7.3]), min_size=len(vectors), max_size=len(vectors))
    options = {
        "labelled": labelled,
        "exclude": exclude,
        "include": candidates[: draw(st.integers(0, budget))],
        "weights": draw(st.none() | weights),
        "seed": draw(st.integers(0, 2**32)),
    }
    return Question(vectors, budget, options)


def indices(selection: Selection) -> list[int]:
    return [pick.index for pick in selection.picks]


@every_strategy
@few_examples
@given(question=questions())
def test_the_budget_is_kept_with_candidates(strategy: str, question: Question) -> None:
    """There are exactly `budget` different picks, none labelled or excluded, the included rows first, with
    ranks from 1 to `budget`. The embeddings are not changed, and a second call gives the same selection.
    """
    before = question.vectors.copy()
    selection = select(strategy, question.vectors, question.budget, **question.options)
    chosen, include = indices(selection), question.options["include"]
    assert len(chosen) == len(set(chosen)) == question.budget
    assert set(chosen) <= question.candidates
    assert set(chosen[: len(include)]) == set(include)
    assert [pick.rank for pick in selection.picks] == list(range(1, question.budget + 1))
    assert np.array_equal(question.vectors, before)
    assert selection == select(strategy, question.vectors, question.budget, **question.options)


@every_strategy
@few_examples
@given(question=questions())
def test_one_thread_and_three_choose_alike(strategy: str, question: Question) -> None:
    """The number of threads does not change a selection, even if all images are alike."""
    selections = []
    default = faiss.omp_get_max_threads()
    try:
        for threads in (1, 3):
            faiss.omp_set_num_threads(threads)
            selections.append(select(strategy, question.vectors, question.budget, **question.options))
    finally:
        faiss.omp_set_num_threads(default)
    assert selections[0] == selections[1]


@every_strategy
@few_examples
@given(question=questions())
def test_the_figures_of_a_pick_are_true(strategy: str, question: Question) -> None:
    """A pick's cluster size and mean distance match the images nearest to it, by the definition. Its coverage
    is the weighted mean distance to the images labelled or picked so far, its gain the fall of the coverage,
    and the objective the last coverage.
    """
    vectors, labelled = question.vectors, question.options["labelled"]
    selection = select(strategy, vectors, question.budget, **question.options)
    counted = np.ones(len(vectors), bool)
    counted[question.options["exclude"]] = False
    weights = np.ones(len(vectors)) if question.options["weights"] is None else question.options["weights"]
    weights = np.where(counted, weights, 0)
    centres = [*labelled, *indices(selection)]
    near = pytest.approx
    scale = 1e-3 * float(1 + np.abs(vectors.astype(np.float32)).max())
    places, _ = assignment(vectors, centres)
    table = exact_distances(vectors, centres)
    distances = table[np.arange(len(vectors)), places]
    assert distances == near(table.min(axis=1), abs=scale)
    before = mean_distance(vectors, labelled, weights)
    for pick in selection.picks:
        own = counted & (places == len(labelled) + pick.rank - 1)
        assert pick.cluster_size == own.sum()
        assert pick.mean_distance == near(distances[own].sum() / max(own.sum() - 1, 1), abs=scale)
        so_far = mean_distance(vectors, [*labelled, *indices(selection)[: pick.rank]], weights)
        assert so_far is not None
        assert pick.coverage == near(so_far, abs=scale)
        assert pick.gain == (None if before is None else near(before - so_far, abs=scale))
        before = so_far


def exact_distances(vectors: Vectors, centres: list[int]) -> Vectors:
    """The distance of every image to every centre, by the definition, in float64."""
    exact = vectors.astype(np.float64)
    return np.sqrt(((exact[:, None] - exact[centres]) ** 2).sum(axis=2))


def mean_distance(vectors: Vectors, centres: list[int], weights: Vectors) -> float | None:
    """The weighted mean of the distances to the nearest centre."""
    if not centres:
        return None
    nearest = exact_distances(vectors, centres).min(axis=1)
    return float(nearest @ weights / (weights.sum() or 1))


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"random"}))
@pytest.mark.parametrize("budget", [1, 4, 8, 15])
def test_a_prefix_is_as_good_as_a_selection_of_its_length(strategy: str, budget: int) -> None:
    """The first of thirty picks cover clustered images at most 5 % worse than a selection for that smaller
    budget.
    """
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, 24))
    vectors = (centres[rng.integers(0, 12, 400)] + 0.5 * rng.normal(size=(400, 24))).astype(np.float32)
    prefix = select(strategy, vectors, 30).picks[budget - 1].coverage
    assert prefix <= 1.05 * select(strategy, vectors, budget).picks[-1].coverage


@pytest.mark.parametrize("strategy", [name for name, facts in STRATEGIES.items() if facts.nested])
def test_nested_budgets_share_their_picks(strategy: str) -> None:
    """The picks for every smaller budget are exactly the first ones of thirty."""
    vectors = np.random.default_rng(4).normal(size=(120, 16)).astype(np.float32)
    picks = indices(select(strategy, vectors, 30, seed=2))
    for budget in (1, 2, 7, 29):
        assert indices(select(strategy, vectors, budget, seed=2)) == picks[:budget]


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"probcover", "random", "words"}))
def test_labelled_images_cover_what_is_near_to_them(strategy: str) -> None:
    """If two of five distant clusters hold a labelled image, three picks go to the other three clusters.

    ProbCover does not promise this, because its balls may be smaller than a cluster. Nor does `words`,
    because its words may be.
    """
    rng = np.random.default_rng(0)
    member = np.repeat(np.arange(5), 30)
    vectors = (60 * rng.normal(size=(5, 8))[member] + rng.normal(size=(150, 8))).astype(np.float32)
    picks = select(strategy, vectors, 3, labelled=[0, 31]).picks
    assert {member[pick.index] for pick in picks} == {2, 3, 4}


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"facility", "kcenter"}))
def test_other_seeds_may_choose_others(strategy: str) -> None:
    """The seed reaches every strategy that draws: on data without structure, ten seeds do not all agree."""
    vectors = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    chosen = {tuple(indices(select(strategy, vectors, 5, seed=seed))) for seed in range(10)}
    assert len(chosen) > 1


@every_strategy
def test_a_memory_mapped_file_is_read_only(strategy: str, tmp_path: Path) -> None:
    """A read-only memory map gives the same picks as the array in memory."""
    vectors = np.random.default_rng(1).normal(size=(60, 300)).astype(np.float16)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    assert select(strategy, mapped, 7) == select(strategy, vectors, 7)


CHOOSE = """
import json, sys
import numpy as np
from models.catalog import STRATEGIES
from models.selection import kmeans, medoids, select
duplicates = np.repeat(np.random.default_rng(5).normal(size=(60, 96)), 4, axis=0).astype(np.float16)
wide = np.random.default_rng(6).normal(size=(3000, 300)).astype(np.float16)
equidistant = (1.7 * np.eye(300) + 0.3).astype(np.float32)
chosen = {strategy: [] for strategy in STRATEGIES}
for as_if_huge in (False, True):
    if as_if_huge:
        medoids.SHARED, medoids.LARGE, kmeans.RESTART_WORK, kmeans.CHEAP_WORK = 50, 200, 10_000, 0
    for vectors, budget in ((duplicates, 40), (equidistant, 9), (wide, 12)):
        for weights in (None, np.random.default_rng(7).random(len(vectors))):
            for strategy in STRATEGIES:
                patches = np.stack([vectors, vectors[:, ::-1]], axis=1)
                selection = select(
                    strategy, vectors, budget, labelled=[0, 1], weights=weights, patches=patches
                )
                chosen[strategy].append([pick.index for pick in selection.picks])
print(json.dumps(chosen))
"""


@cache
def chosen_by_threads(count: int) -> dict[str, list[list[int]]]:
    """The picks of every strategy in a process with `count` threads, with and without weights; then again on
    the code paths for huge pools.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(count), "OPENBLAS_NUM_THREADS": str(count)}
    command = [sys.executable, "-c", CHOOSE]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    chosen: dict[str, list[list[int]]] = json.loads(done.stdout)
    return chosen


@every_strategy
def test_excluded_images_might_as_well_not_be_there(strategy: str) -> None:
    """Excluded images change nothing: the picks are the same as in a pool without these images."""
    rng = np.random.default_rng(11)
    kept, excluded = rng.normal(size=(200, 8)), rng.normal(size=(150, 8)) + 5
    both = np.concatenate([kept, excluded]).astype(np.float32)
    among_both = select(strategy, both, 12, exclude=range(200, 350))
    assert indices(among_both) == indices(select(strategy, both[:200], 12))


@every_strategy
def test_large_pools_do_not_depend_on_threads(strategy: str) -> None:
    """Processes with one and with three threads choose the same rows in the same order."""
    assert chosen_by_threads(1)[strategy] == chosen_by_threads(3)[strategy]


ONES = np.ones((3, 2), np.float32)


@every_strategy
@pytest.mark.parametrize(
    ("vectors", "budget", "options", "message"),
    [
        (ONES, 0, {}, "at least 1"),
        (ONES, -4, {}, "at least 1"),
        (ONES, 4, {}, "above the 3 images"),
        (ONES, 2, {"labelled": [0, 1, 1]}, "above the 1 images"),
        (ONES, 2, {"labelled": [0], "exclude": [2]}, "above the 1 images"),
        (ONES, 1, {"labelled": [3]}, "Labelled images must be rows 0 to 2"),
        (ONES, 1, {"exclude": [-1]}, "Excluded images must be rows 0 to 2"),
        (ONES, 1, {"include": [1, 2]}, "below the 2 images"),
        (ONES, 1, {"include": [1], "labelled": [1]}, "Row 1 is to be included"),
        (ONES, 1, {"weights": [1, 1]}, "Weights must be 3"),
        (ONES, 1, {"weights": [1, -1, 1]}, "0 or more"),
        (ONES, 1, {"weights": [1, np.nan, 1]}, "finite"),
        (np.ones(3, np.float32), 1, {}, r"shape \(3,\)"),
        (np.ones((3, 2), np.int64), 1, {}, "int64"),
        (np.ones((0, 2), np.float32), 1, {}, "nothing to select"),
        (np.ones((3, 0), np.float32), 1, {}, "nothing to select"),
        (np.array([[1, np.nan]], np.float32), 1, {}, "rows 0 to 0 hold NaN"),
        (np.array([[1, -np.inf]], np.float16), 1, {}, "finite"),
        (np.array([[1, 1e300]], np.float64), 1, {}, "finite"),
    ],
)
def test_bad_arguments_are_refused(
    strategy: str, vectors: Vectors, budget: int, options: dict[str, Any], message: str
) -> None:
    """Each invalid argument raises a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=message):
        select(strategy, vectors, budget, **options)


def test_an_unknown_strategy_is_refused() -> None:
    """The error lists the known strategies."""
    with pytest.raises(ValueError, match=r"kmedoids, fasterpam, .*random"):
        select("best", ONES, 1)


@every_strategy
def test_every_image_can_be_picked(strategy: str) -> None:
    """A budget equal to the number of images picks them all, even if all look the same."""
    assert indices(select(strategy, ONES[:1], 1)) == [0]
    for value in (0.0, 3.25):
        selection = select(strategy, np.full((7, 300), value, np.float16), 7)
        assert sorted(indices(selection)) == list(range(7))
        assert all(pick.coverage == pick.mean_distance == 0 for pick in selection.picks)


def test_coverage_is_that_of_the_last_pick() -> None:
    """`coverage` gives the mean, the maximum and the share within a distance, without excluded images."""
    vectors = np.arange(6, dtype=np.float32)[:, None]
    found = coverage(vectors, [0, 4], delta=1.0, exclude=[2])
    assert (found.mean, found.maximum, found.within) == pytest.approx((3 / 5, 1, 1))
    assert coverage(vectors, [0], delta=1.0).within == pytest.approx(2 / 6)
    with pytest.raises(ValueError, match="at least one pick"):
        coverage(vectors, [])
