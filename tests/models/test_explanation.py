"""Explanations: figures against brute force, enumeration and closed forms, the map against scikit-learn."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from models.explanation import curve, explain, knee, mapping, pool_map
from models.similarity import typical_distance


def pool(count: int = 90, dimension: int = 12, seed: int = 0) -> NDArray[np.float32]:
    """Clusters of uneven size, far from the origin, as embeddings are."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(7, dimension)) + 5
    return (centres[rng.integers(7, size=count) // 2] + rng.normal(size=(count, dimension))).astype(
        np.float32
    )


def nearest(embeddings: NDArray[np.floating], centres: list[int]) -> NDArray[np.float64]:
    """Each image's distance to the nearest centre, by its definition, in float64."""
    vectors = embeddings.astype(np.float64)
    found: NDArray[np.float64] = np.linalg.norm(vectors[:, None] - vectors[None, centres], axis=2).min(axis=1)
    return found


def test_coverage_and_curve_are_those_of_brute_force(tmp_path: Path) -> None:
    """Mean, maximum, share within δ and every point of the curve equal brute force over the counted images,
    with labelled images, for float16 embeddings in a read-only file.
    """
    np.save(tmp_path / "pool.npy", pool(1500, 300).astype(np.float16))
    embeddings = np.load(tmp_path / "pool.npy", mmap_mode="r")
    picks, labelled, counted = [3, 700, 41, 8], [100, 5], np.arange(0, 1500, 3)
    found = explain(embeddings, picks, labelled, counted, delta=25.0, draws=5)
    truth = nearest(embeddings, [*picks, *labelled])[counted]
    assert found.coverage.mean == pytest.approx(truth.mean(), rel=1e-5)
    assert found.coverage.maximum == pytest.approx(truth.max(), rel=1e-5)
    assert found.coverage.within == pytest.approx((truth <= 25).mean())
    assert 0 < found.coverage.within < 1
    assert [point.budget for point in found.curve] == [0, 1, 2, 3, 4]
    for point in found.curve:
        expected = nearest(embeddings, [*picks[: point.budget], *labelled])[counted].mean()
        assert point.mean_distance == pytest.approx(expected, rel=1e-5)


def test_without_labels_the_curve_begins_with_the_first_pick() -> None:
    """Without labelled images the curve has no point before the first pick. δ is 0.7 of the typical
    distance.
    """
    embeddings = pool()
    found = explain(embeddings, [5, 80, 33])
    assert [point.budget for point in found.curve] == [1, 2, 3]
    assert found.delta == pytest.approx(0.7 * typical_distance(embeddings))


def test_an_image_at_the_distance_delta_is_within_it() -> None:
    """Of five images at 0, 1, 2, 3 and 4, two are within 1 of the first."""
    line = np.arange(5, dtype=np.float32)[:, None]
    assert explain(line, [0], draws=1, delta=1.0).coverage.within == 2 / 5


@pytest.mark.parametrize("labelled", [[], [4]])
def test_random_draws_follow_the_distribution_of_all_selections(labelled: list[int]) -> None:
    """For nine images all selections of two are enumerated: the share beaten, mean and quantiles agree."""
    embeddings = pool(9, 3, seed=4)
    picks = [0, 7]
    every = [
        nearest(embeddings, [*pair, *labelled]).mean()
        for pair in combinations([row for row in range(9) if row not in labelled], 2)
    ]
    own = nearest(embeddings, [*picks, *labelled]).mean()
    found = explain(embeddings, picks, labelled, draws=6000).random
    beaten = np.mean([value > own + 1e-6 for value in every]) + np.mean(np.isclose(every, own)) / 2
    assert 0.1 < beaten < 0.9
    assert found.beaten == pytest.approx(beaten, abs=0.025)
    assert found.mean == pytest.approx(np.mean(every), rel=0.01)
    assert min(every) <= found.low + 1e-6 < found.mean < found.high <= max(every) + 1e-6
    assert np.mean([value < found.low for value in every]) <= 0.08
    assert np.mean([value > found.high for value in every]) <= 0.08


def test_draws_never_take_labelled_or_uncounted_images() -> None:
    """If only the picks can be drawn, every draw equals the selection: a tie, which counts half."""
    embeddings = pool(40)
    found = explain(embeddings, [1, 2, 3], labelled=[0, 9], counted=[0, 1, 2, 3], draws=50)
    assert found.random.beaten == 0.5
    assert found.random.mean == pytest.approx(found.coverage.mean, rel=1e-5)
    assert found.random.low == pytest.approx(found.random.high)


def test_a_large_pool_is_measured_on_a_sample_without_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 of 4,000 images are enough to measure the draws' mean. They are not the images that are drawn from:
    otherwise one in five would measure itself, and the draws would look better than they are.
    """
    monkeypatch.setattr(curve, "SAMPLE", 400)
    embeddings = pool(4000, 8)
    rng = np.random.default_rng(5)
    truth = np.mean([nearest(embeddings, rng.permutation(4000)[:80].tolist()).mean() for _ in range(20)])
    found = explain(embeddings, range(80), draws=200).random
    assert found.images == 400
    assert found.mean == pytest.approx(truth, rel=0.03)


def test_draws_of_a_large_budget_spread_as_those_from_the_whole_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws from a sample of the pool have 90 % intervals that are hardly narrower than those of draws from
    all images. Draws from a sample of twice their size would be too alike, and their intervals too narrow.
    """
    monkeypatch.setattr(curve, "SAMPLE", 400)
    embeddings, expected, found = pool(4000, 3), [], []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        images = rng.permutation(4000)[:400]
        means = [
            nearest(embeddings[np.r_[images, rng.permutation(4000)[:200]]], list(range(400, 600)))[
                :400
            ].mean()
            for _ in range(200)
        ]
        expected.append(np.subtract(*np.quantile(means, [0.95, 0.05])))
        draws = explain(embeddings, range(200), seed=seed, draws=400).random
        found.append(draws.high - draws.low)
    assert np.mean(found) > 0.85 * np.mean(expected)


def test_large_budgets_are_measured_on_fewer_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is bounded: with many picks the sample shrinks, at most to an eighth."""
    monkeypatch.setattr(curve, "WORK", 1000)
    monkeypatch.setattr(curve, "SAMPLE", 80)
    assert explain(pool(), range(20), draws=5).random.images == 10
    assert explain(pool(), range(4), draws=5).random.images == 50


def test_the_same_question_has_the_same_answer_on_any_number_of_threads() -> None:
    """The number of threads changes nothing; another seed gives other draws."""
    import faiss

    embeddings, threads = pool(600, 300), faiss.omp_get_max_threads()
    answers = []
    try:
        for count in (1, 3):
            faiss.omp_set_num_threads(count)
            answers.append(explain(embeddings, [1, 2, 3], draws=30, seed=7))
    finally:
        faiss.omp_set_num_threads(threads)
    assert answers[0] == answers[1]
    assert explain(embeddings, [1, 2, 3], draws=30, seed=8).random != answers[0].random


def test_picks_that_are_labelled_by_now_stay_picks() -> None:
    """An explanation made after the picks were labelled equals the one made before."""
    embeddings = pool()
    assert explain(embeddings, [1, 50], labelled=[9, 50]) == explain(embeddings, [1, 50], labelled=[9])


def test_nothing_to_explain_is_refused() -> None:
    """Missing picks, missing counted images and embeddings that are not finite are refused."""
    for picks, counted in (([], None), ([1], [])):
        with pytest.raises(ValueError, match="at least one pick"):
            explain(pool(), picks, counted=counted)
    with pytest.raises(ValueError, match="finite"):
        explain(np.full((3, 2), np.nan), [0])


@pytest.mark.parametrize("last", [25, 100, 400])
def test_the_knee_of_a_hyperbola_is_at_its_root(last: int) -> None:
    """On 1/x from 1 to n, the point farthest below the chord is √n, at every scale."""
    budgets = range(1, last + 1)
    assert knee(budgets, np.array([7 / budget + 3 for budget in budgets])) == last**0.5


@pytest.mark.parametrize("values", [[3, 2, 1, 0], [1, 1, 1], [1, 2, 3], [5, 1], [4, 3.5, 3, 0], [1]])
def test_a_curve_that_does_not_bend_has_no_knee(values: list[float]) -> None:
    """A straight, a flat and a rising line, two points, and a curve that bends the other way have no knee."""
    assert knee(range(len(values)), np.array(values, np.float64)) is None


@pytest.mark.parametrize(("count", "dimension"), [(300, 40), (30, 300)])
def test_the_map_by_pca_is_scikit_learns(count: int, dimension: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coordinates and shares of the variance equal scikit-learn's, for more and for fewer images than
    dimensions, if UMAP is not installed.
    """
    monkeypatch.setattr(mapping, "find_spec", lambda name: None)
    embeddings = (pool(count, dimension) * np.linspace(3, 1, dimension)).astype(np.float16)
    found = pool_map(embeddings)
    reference = PCA(2, svd_solver="full").fit(embeddings.astype(np.float64))
    expected = reference.transform(embeddings.astype(np.float64))
    signs = np.sign((found.points * expected).sum(axis=0))
    np.testing.assert_allclose(found.points, expected * signs, atol=2e-3 * np.abs(expected).max())
    np.testing.assert_allclose(found.explained, reference.explained_variance_ratio_, rtol=1e-3)
    assert (found.method, found.points.dtype, found.points.shape) == ("pca", np.float32, (count, 2))


def test_a_large_map_has_the_axes_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the images gives nearly the same map."""
    monkeypatch.setattr(mapping, "find_spec", lambda name: None)
    embeddings = pool(3000, 20)
    whole = pool_map(embeddings)
    monkeypatch.setattr(mapping, "SAMPLE", 300)
    sampled = pool_map(embeddings)
    for axis in range(2):
        assert np.corrcoef(whole.points[:, axis], sampled.points[:, axis])[0, 1] > 0.98


@pytest.mark.parametrize("embeddings", [np.ones((4, 3)), np.arange(4.0)[:, None], np.ones((1, 5))])
def test_a_map_of_hardly_anything_is_finite(embeddings: NDArray[np.float64]) -> None:
    """Equal images, one dimension, and one image: all get two finite coordinates, and shares of at most 1."""
    found = pool_map(embeddings)
    assert found.points.shape == (len(embeddings), 2)
    assert np.isfinite(found.points).all()
    assert found.explained is not None
    assert 0 <= sum(found.explained) <= 1 + 1e-9


def test_umap_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed UMAP maps 16 images or more, with a fixed seed and one job, so that maps repeat; fewer are
    mapped by PCA.
    """

    class UMAP:
        def __init__(self, n_neighbors: int, random_state: int, n_jobs: int) -> None:
            assert n_jobs == 1
            self.asked = (n_neighbors, random_state)

        def fit_transform(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
            assert points.shape == (90, 12)
            return points[:, :2] * 0 + self.asked

    package: Any = module_from_spec(ModuleSpec("umap", None))
    package.UMAP = UMAP
    monkeypatch.setitem(sys.modules, "umap", package)
    found = pool_map(pool())
    assert (found.method, found.explained, found.points[0].tolist()) == ("umap", None, [15, 0])
    assert pool_map(pool(15)).method == "pca"
