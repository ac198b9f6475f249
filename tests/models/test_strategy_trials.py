"""The experiment that compares selection strategies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from sklearn.metrics import jaccard_score

from models.catalog import STRATEGIES
from models.experiments.dataset import Dataset
from models.experiments.setting import Setting
from models.experiments.strategies.cells import Cells, DatasetCells, dataset_cells
from models.experiments.strategies.intervals import Interval, student_quantile
from models.experiments.strategies.oracle import CellProbe, score_picks
from models.experiments.strategies.outcomes import outcomes
from models.experiments.strategies.report import write_strategies
from models.experiments.strategies.trials import Scored, Trial, planned, pool_of, run, selections
from models.images.photos import read_label_map
from tests.models.test_experiments import setting_of, write_dataset

CLASSES, CELLS = 3, 40


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "data", train=8, val=2)


def drawn_cells(photos: int, seed: int) -> Cells:
    """Photos of CELLS cells, whose class shows in their features, and every tenth cell without a class."""
    random = np.random.default_rng(seed)
    classes = random.integers(CLASSES, size=photos * CELLS)
    features = np.eye(6)[classes] * 3 + random.normal(size=(photos * CELLS, 6))
    shares = np.eye(CLASSES)[classes]
    shares[::10] = 0
    classes[::10] = 255
    starts = np.arange(photos + 1) * CELLS
    half = np.float16
    return Cells(features.astype(half), shares.astype(half), classes.astype(np.uint8), starts)


@pytest.fixture(scope="module")
def cells() -> DatasetCells:
    return DatasetCells(drawn_cells(8, 0), drawn_cells(8, 1), drawn_cells(2, 2))


def test_cells_hold_features_and_class_shares(data: Dataset, tmp_path: Path) -> None:
    """A photo's class shares, weighted by its cells, are those of its label map at the working size, and its
    mirror image has the same ones in another order. The second call computes nothing.
    """
    counted: list[None] = []
    found = dataset_cells(data, "efficientnet_lite0", tmp_path / "work", lambda: counted.append(None))
    assert len(counted) == 2 * 8 + 2
    assert (len(found.train), len(found.mirrored), len(found.val)) == (8, 8, 2)
    for photo, name in enumerate(data.train):
        features, shares, centres = found.train.of([photo])
        truth = read_label_map(data.label_map("train", name))
        expected = [(truth == index).mean() for index in range(shares.shape[1])]
        assert np.allclose(shares.mean(dim=0), expected, atol=0.02)
        assert len(features) == 24 * 32
        assert (shares.argmax(dim=1) == centres).float().mean() > 0.9
        grid, mirrored = (view.of([photo])[1].view(24, 32, -1) for view in (found.train, found.mirrored))
        assert torch.equal(grid.flip(1), mirrored)
    again = dataset_cells(data, "efficientnet_lite0", tmp_path / "work", lambda: pytest.fail("again"))
    assert np.array_equal(again.val.features, found.val.features)


def test_scores_are_mean_ious_of_every_other_photo(cells: DatasetCells) -> None:
    """With one class a cell, the score is scikit-learn's Jaccard score over the labelled cells, up to the
    little that the probe falls short of the best possible classifier, which takes the largest of the first
    features. A probe that saw shuffled classes is far below.
    """
    scores = score_picks(cells, [0, 3])
    features, _, centres = cells.val.of([0, 1])
    labelled = centres < CLASSES
    predicted = features[:, :CLASSES].argmax(dim=1)
    best = jaccard_score(centres[labelled], predicted[labelled], average="macro")
    assert scores["val"] == pytest.approx(best, abs=0.06)
    assert scores["rest"] > 0.8
    shuffled = replace(
        cells.train, shares=cells.train.shares[np.random.default_rng(0).permutation(8 * CELLS)]
    )
    assert score_picks(replace(cells, train=shuffled, mirrored=shuffled), [0, 3])["val"] < 0.6


def test_rest_leaves_the_picks_out(cells: DatasetCells) -> None:
    """The photos that were picked are not scored: with wrong labels of all others the score falls to nothing,
    with wrong labels of none it does not.
    """
    wrong = cells.train.centres.copy()
    wrong[2 * CELLS :] = (wrong[2 * CELLS :] + 1) % CLASSES
    scores = score_picks(replace(cells, train=replace(cells.train, centres=wrong)), [0, 1])
    assert scores["rest"] < 0.2 < 0.8 < scores["val"]
    assert "rest" not in score_picks(cells, range(8))


def test_a_photo_between_the_classes_is_doubted_more(cells: DatasetCells) -> None:
    """Doubt is a share. A photo whose cells are all the mean of its photos' features leaves several classes
    possible, and is doubted more than every photo whose cells show one.
    """
    probe = CellProbe(cells, [0, 3])
    doubts = probe.doubts(cells.train, range(8))
    assert doubts.shape == (8,)
    assert ((doubts > 0) & (doubts < 1)).all()
    blurred = cells.train.features.copy()
    blurred[7 * CELLS :] = blurred.mean(axis=0, dtype=np.float32)
    again = probe.doubts(replace(cells.train, features=blurred), range(8))
    assert again[7] > 2 * doubts.max()
    assert np.array_equal(again[:7], doubts[:7])


def test_every_strategy_answers_for_the_same_pools(data: Dataset, tmp_path: Path) -> None:
    """Each strategy picks once from each pool at each budget; the random draws share the pools, and everyone
    picks from the pool. Without patches, the strategies that need them are left out.
    """
    setting = setting_of(data, seeds=3, draws=7)
    counted: list[None] = []
    trials = planned(setting, tmp_path, lambda: counted.append(None))
    assert len(counted) == selections(setting)
    budgets = {trial.budget for trial in trials}
    assert budgets == {1, 2, 5}
    for trial in trials:
        assert set(trial.picks) <= set(pool_of(data.train, trial.pool))
        assert len(set(trial.picks)) == trial.budget
    for budget in budgets:
        for strategy in STRATEGIES:
            pools = [one.pool for one in trials if (one.strategy, one.budget) == (strategy, budget)]
            assert sorted(pools) == ([0, 0, 0, 1, 1, 2, 2] if strategy == "random" else [0, 1, 2])
    assert planned(setting, tmp_path) == trials
    without = planned(replace(setting, patches=None), tmp_path)
    assert {trial.strategy for trial in without} == set(STRATEGIES) - {"words"}


def test_pools_differ_and_are_pure_functions_of_their_number() -> None:
    """A pool is four fifths of the photos, the same at every call and another one for another number."""
    photos = tuple(map(str, range(50)))
    pools = [pool_of(photos, number) for number in range(10)]
    assert pools == [pool_of(photos, number) for number in range(10)]
    assert {len(set(pool)) for pool in pools} == {40}
    assert len(set(pools)) == 10


def test_an_interrupted_experiment_goes_on(data: Dataset, cells: DatasetCells, tmp_path: Path) -> None:
    """Equal picks are fitted once; what has a score is not fitted again, and a line that was cut off is."""
    setting = setting_of(data, seeds=2, draws=2)
    names = data.train
    answers = (("kmedoids", names[:1]), ("random", names[:1]), ("facility", names[:2]))
    trials = [Trial(strategy, len(picks), 0, picks) for strategy, picks in answers]
    fits: list[tuple[int, int]] = []
    first = run(trials, cells, setting, tmp_path, 1, lambda done, total: fits.append((done, total)))
    assert fits == [(0, 2), (1, 2), (2, 2)]
    assert first[0].scores == first[1].scores == score_picks(cells, [0])
    (file,) = tmp_path.glob("strategies-scores-*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:20])
    fits.clear()
    second = run(trials, cells, setting, tmp_path, 1, lambda done, total: fits.append((done, total)))
    assert [one.scores for one in second] == [one.scores for one in first]
    assert fits == [(0, 1), (1, 1)]
    kept = [json.loads(line)[0] for line in file.read_text().splitlines()]
    assert kept == [[*names[:1]], [*names[:2]]]


@pytest.mark.parametrize("freedom", [3, 5, 9, 19, 49])
def test_student_quantile(freedom: int) -> None:
    """The quantile agrees with SciPy's."""
    assert student_quantile(freedom) == pytest.approx(student.ppf(0.975, freedom), rel=2e-3)


def test_differences_are_paired_by_pool() -> None:
    """A strategy that is always 0.1 above the mean draw of its pool has a difference of exactly 0.1, however
    much the pools differ; the quantile of random draws is over all of them.
    """
    scored = []
    for pool, level in enumerate((0.2, 0.5, 0.7)):
        draws = [Scored(Trial("random", 1, pool, ()), {"val": level + more}, 0.0) for more in (-0.1, 0.1)]
        scored += [*draws, Scored(Trial("kmedoids", 1, pool, ()), {"val": level + 0.1}, 0.0)]
    random, kmedoids = outcomes(scored, "val")
    assert (random.difference, random.mean.n, kmedoids.mean.n) == (None, 6, 3)
    assert kmedoids.difference
    assert kmedoids.difference.mean == pytest.approx(0.1)
    assert kmedoids.difference.half == pytest.approx(0, abs=1e-12)
    assert kmedoids.difference.excludes_zero
    levels = [0.3, 0.6, 0.8]
    low, high = student.interval(0.95, 2, np.mean(levels), np.std(levels, ddof=1) / np.sqrt(3))
    assert kmedoids.mean.half == pytest.approx((high - low) / 2, rel=0.01)
    assert random.unlucky == pytest.approx(np.quantile(random.scores, 0.05))


def test_the_report_shows_every_strategy(data: Dataset, tmp_path: Path) -> None:
    """Table and JSON have each strategy at each budget for both kinds of photos; a difference whose interval
    excludes 0 is bold; the picture opens.
    """
    setting: Setting = setting_of(data, seeds=2, draws=4)
    scored = [
        Scored(one, {"val": 0.5 + 0.1 * one.pool + (one.strategy == "kmedoids"), "rest": 0.25}, 0.5)
        for one in planned(setting, tmp_path)
    ]
    report = write_strategies(setting, scored, tmp_path / "out", "fewpairs experiment strategies")
    assert {path.name for path in report.files} == {f"strategies.{kind}" for kind in ("json", "md", "png")}
    told = json.loads((tmp_path / "out" / "strategies.json").read_text())
    assert len(told["rows"]) == 2 * len(STRATEGIES) * 3
    assert told["fits"] == len({one.picks for one in planned(setting, tmp_path)})
    lines = [line for line in report.markdown.splitlines() if line.startswith("| `")]
    assert len(lines) == 2 * (len(STRATEGIES) + 1)
    (bold,) = {line.split(" |")[0] for line in lines if "**" in line}
    assert bold == "| `kmedoids`"
    assert Interval(**told["rows"][0]["mean"]).n == 2
