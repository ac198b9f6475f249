"""What every selection strategy promises. A new strategy joins `STRATEGIES` and passes this."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.selection import STRATEGIES, Selection, coverage, select

Vectors = npt.NDArray[np.floating]

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Vectors, int, list[int], int]:
    """Embeddings of any small shape and width, with duplicates and zeros; a budget, labelled rows, a seed."""
    dtype = draw(st.sampled_from([np.float16, np.float32]))
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 6)))
    few = st.sampled_from([0.0, 0.0, 1.0, -2.5, 100.0]) | st.floats(-50, 50, width=16)
    vectors = draw(arrays.arrays(dtype, shape, elements=few))
    labelled = draw(st.lists(st.integers(0, len(vectors) - 1), max_size=len(vectors) - 1))
    budget = draw(st.integers(1, len(vectors) - len(set(labelled))))
    return vectors, budget, labelled, draw(st.integers(0, 2**32))


def indices(selection: Selection) -> list[int]:
    return [pick.index for pick in selection.picks]


@every_strategy
@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_the_budget_is_kept_with_unlabelled_images(
    strategy: str, problem: tuple[Vectors, int, list[int], int]
) -> None:
    """Exactly `budget` different rows, none labelled, with ranks 1 to budget; nothing else is changed."""
    vectors, budget, labelled, seed = problem
    before = vectors.copy()
    selection = select(strategy, vectors, budget, seed=seed, labelled=labelled)
    chosen = indices(selection)
    assert len(chosen) == len(set(chosen)) == budget
    assert set(chosen) <= set(range(len(vectors))) - set(labelled)
    assert [pick.rank for pick in selection.picks] == list(range(1, budget + 1))
    assert np.array_equal(vectors, before)
    assert selection == select(strategy, vectors, budget, seed=seed, labelled=labelled)


@every_strategy
@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_the_figures_of_a_pick_are_true(strategy: str, problem: tuple[Vectors, int, list[int], int]) -> None:
    """Clusters share out all candidates, coverage falls and is that of the picks so far, distances fit."""
    vectors, budget, labelled, seed = problem
    selection = select(strategy, vectors, budget, seed=seed, labelled=labelled)
    candidates = len(vectors) - len(set(labelled))
    sizes = np.array([pick.cluster_size for pick in selection.picks])
    means = np.array([pick.mean_distance for pick in selection.picks])
    assert sizes.sum() == candidates
    assert (sizes >= 1).all()
    assert (means[sizes == 1] == 0).all()
    assert selection.objective == pytest.approx((means * (sizes - 1)).sum() / candidates, abs=1e-9)
    for pick in selection.picks:
        so_far = [*labelled, *indices(selection)[: pick.rank]]
        assert pick.coverage == pytest.approx(coverage(vectors, so_far).mean, rel=1e-9, abs=1e-9)
    coverages = [pick.coverage for pick in selection.picks]
    assert coverages == sorted(coverages, reverse=True)
    if budget == candidates:
        assert coverages[-1] == pytest.approx(0, abs=1e-6)


@every_strategy
def test_other_seeds_may_choose_others(strategy: str) -> None:
    """The seed reaches the strategy: on shapeless data, ten seeds do not all agree."""
    vectors = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    chosen = {tuple(indices(select(strategy, vectors, 5, seed=seed))) for seed in range(10)}
    assert len(chosen) > 1


@every_strategy
def test_a_memory_mapped_file_is_read_only(strategy: str, tmp_path: Path) -> None:
    """A read-only memory map gives the same picks as the array in memory."""
    vectors = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float16)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    assert select(strategy, mapped, 7) == select(strategy, vectors, 7)


CHOOSE = """
import json, sys
import numpy as np
from models.selection import select
duplicates = np.repeat(np.random.default_rng(5).normal(size=(150, 96)), 4, axis=0).astype(np.float16)
equidistant = (1.7 * np.eye(700) + 0.3).astype(np.float32)
chosen = [
    [pick.index for pick in select(sys.argv[1], vectors, budget, seed=seed, labelled=[0, 1]).picks]
    for vectors, budget in ((duplicates, 40), (equidistant, 9))
    for seed in range(8)
]
print(json.dumps(chosen))
"""


@every_strategy
def test_the_number_of_threads_does_not_matter(strategy: str) -> None:
    """One thread and three choose the same rows in the same order, even where all are equally good."""
    chosen = []
    for threads in ("1", "3"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", CHOOSE, strategy]
        done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
        chosen.append(json.loads(done.stdout))
    assert chosen[0] == chosen[1]


@every_strategy
@pytest.mark.parametrize(
    ("vectors", "budget", "labelled", "message"),
    [
        (np.ones((3, 2), np.float32), 0, [], "at least 1"),
        (np.ones((3, 2), np.float32), -4, [], "at least 1"),
        (np.ones((3, 2), np.float32), 4, [], "above the 3 images"),
        (np.ones((3, 2), np.float32), 2, [0, 1, 1], "above the 1 images"),
        (np.ones((3, 2), np.float32), 1, [3], "rows 0 to 2"),
        (np.ones((3, 2), np.float32), 1, [-1], "rows 0 to 2"),
        (np.ones(3, np.float32), 1, [], r"shape \(3,\)"),
        (np.ones((3, 2), np.int64), 1, [], "int64"),
        (np.ones((0, 2), np.float32), 1, [], "nothing to select"),
        (np.ones((3, 0), np.float32), 1, [], "nothing to select"),
        (np.array([[1, np.nan]], np.float32), 1, [], "rows 0 to 0 hold NaN"),
        (np.array([[1, -np.inf]], np.float16), 1, [], "finite"),
        (np.array([[1, 1e300]], np.float64), 1, [], "finite"),
    ],
)
def test_bad_arguments_are_refused(
    strategy: str, vectors: Vectors, budget: int, labelled: list[int], message: str
) -> None:
    """Each gets a ValueError that names what is wrong."""
    with pytest.raises(ValueError, match=message):
        select(strategy, vectors, budget, labelled=labelled)


def test_an_unknown_strategy_is_refused() -> None:
    """The error lists the strategies there are."""
    with pytest.raises(ValueError, match="kmedoids, random"):
        select("best", np.ones((3, 2), np.float32), 1)
