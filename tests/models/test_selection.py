"""k-means, medoids, greedy order and strategies, against brute force and scikit-learn."""

import itertools
from importlib import import_module

import faiss
import numpy as np
import numpy.typing as npt
import pytest
from sklearn.cluster import KMeans

from models.selection import approach, select
from models.selection import medoids as medoids_module
from models.selection import problem as problem_module
from models.selection.kmeans import RESTARTS, kmeans
from models.selection.medoids import medoids
from models.selection.ordering import greedy
from models.selection.strategies.fasterpam import swapped
from models.vectors.distances import distance_table, euclidean, nearest_centres
from models.vectors.points import Points

Vectors = npt.NDArray[np.floating]

NONE = np.empty(0, np.intp)


def brute_force(rows: Vectors, columns: Vectors) -> npt.NDArray[np.float64]:
    """All distances by their definition, in float64."""
    difference = rows[:, None].astype(np.float64) - columns[None].astype(np.float64)
    return np.asarray(np.sqrt((difference**2).sum(axis=2)))


def all_distances(vectors: Vectors) -> npt.NDArray[np.float64]:
    """The distances of all pairs, in float64, as √(|a|² + |b|² − 2ab)."""
    exact = vectors.astype(np.float64)
    squares = (exact**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * exact @ exact.T, 0)))


def blobs(seed: int, count: int = 120, clusters: int = 6, dimension: int = 16) -> Vectors:
    """Clusters of uneven size around distant centres, far from the origin, as an encoder's embeddings are."""
    rng = np.random.default_rng(seed)
    centres = 8 * rng.normal(size=(clusters, dimension)) + 20
    member = rng.choice(clusters, count, p=rng.dirichlet(np.full(clusters, 2.0)))
    return (centres[member] + rng.normal(size=(count, dimension))).astype(np.float32)


@pytest.mark.parametrize("dimension", [16, 700])
def test_distances_follow_the_definition(dimension: int) -> None:
    """Tables and nearest centres follow the definition, and equal vectors are at distance 0."""
    vectors = blobs(0, dimension=dimension)
    vectors = np.concatenate([vectors, vectors[:10]])
    points, everything = Points.of(vectors), np.arange(130)
    expected = brute_force(vectors, vectors)
    distances = distance_table(points, everything, everything) * points.scale
    assert np.allclose(distances, expected, rtol=1e-3, atol=1e-5)
    assert (distances[120:, :10].diagonal() == 0).all()
    places, nearest = nearest_centres(points, np.array([3, 50, 77]))
    assert np.array_equal(places, expected[:, [3, 50, 77]].argmin(axis=1))
    assert np.allclose(nearest * points.scale, expected[:, [3, 50, 77]].min(axis=1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("labelled", [[], [7, 90]])
def test_the_first_picks_have_the_images_nearest_to_them(labelled: list[int]) -> None:
    """Of any number of first picks and the labelled images, the nearest to each image is known with its
    distance; a pick is nearest to itself, also if an earlier one has the same embedding.
    """
    vectors = blobs(1)
    vectors = np.concatenate([vectors, vectors[:3]])
    picks = np.array([0, 50, 77, 120, 33, 121])
    found = approach(vectors, picks, np.array(labelled, np.intp))
    expected = brute_force(vectors, vectors[[*labelled, *picks]])
    expected[picks, len(labelled) + np.arange(6)] = -1  # nearer than a copy of it
    for row, apart in enumerate(expected):
        for count in range(1, 7):
            place, distance = [step for step in found.to(row) if step[0] < count][-1]
            nearest = apart[: len(labelled) + count].argmin() - len(labelled)
            assert place == max(nearest, -1)
            assert distance == pytest.approx(max(apart[: len(labelled) + count].min(), 0), rel=1e-3, abs=1e-5)
    places, distances = found.nearest()
    assert places.tolist() == [found.to(row)[-1][0] for row in range(len(vectors))]
    assert distances.tolist() == [found.to(row)[-1][1] for row in range(len(vectors))]


def test_the_projection_never_lengthens_a_distance() -> None:
    """Projected distances are at most the true distances, and close to them if a few directions hold most of
    the variance.
    """
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(150, 700)) / np.arange(1, 701)).astype(np.float32)
    points = Points.of(vectors)
    assert points.projected.shape == (150, 129)
    ratio = euclidean(points.projected, points.projected) / (
        brute_force(vectors, vectors) / points.scale + np.eye(150)
    )
    assert ratio.max() <= 1 + 1e-5
    assert np.median(ratio) > 0.95


@pytest.mark.parametrize("dimension", [5, 700])
@pytest.mark.parametrize("count", [1, 2, 300, 3000])
def test_the_medoid_has_the_least_sum_of_distances(dimension: int, count: int) -> None:
    """The medoid is exact, with and without weights, in few dimensions and in many, which are projected."""
    rng = np.random.default_rng(count)
    vectors = (rng.normal(size=(count + 50, dimension)) / np.arange(1, dimension + 1) ** 0.5).astype(
        np.float32
    )
    points, members = Points.of(vectors), np.sort(rng.choice(count + 50, count, replace=False))
    distances = all_distances(vectors[members])
    for weights in (np.ones(count + 50), rng.integers(0, 5, count + 50).astype(np.float64)):
        sums = distances @ weights[members]
        (found,) = medoids(points, [members], weights)
        assert sums[np.searchsorted(members, found)] == pytest.approx(sums.min(), rel=1e-9)


@pytest.mark.parametrize("outside", [0, 1, 3, 40])
def test_lower_bounds_are_below_the_mean_distances(outside: int) -> None:
    """Bounds hold however many of 40 skewed dimensions the projection leaves out, with unequal weights."""
    rng = np.random.default_rng(outside)
    for _ in range(20):
        rows = rng.lognormal(0, rng.uniform(0.1, 2), (30, 40)).astype(np.float32)
        rows[:, : 40 - outside] *= rng.uniform(0, 1)
        shares = rng.dirichlet(np.ones(30)).astype(np.float32)
        rows -= shares @ rows
        inside = rows[:, : 40 - outside] if outside < 40 else np.zeros((30, 1), np.float32)
        bounds = medoids_module._lower_bounds(rows, inside, shares)
        assert (bounds <= (1 + 1e-5) * brute_force(rows, rows) @ shares).all()
        assert outside or np.allclose(bounds, brute_force(rows, rows) @ shares, rtol=1e-4)


def test_only_few_sums_are_computed_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower bounds rule out most members of a large cluster whose variance lies in few directions."""
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(2000, 1000)) / np.arange(1, 1001) ** 0.5).astype(np.float32)
    computed = []
    whole = medoids_module._sums

    def counted(rows: Vectors, columns: Vectors, weights: Vectors) -> Vectors:
        computed.append(len(rows))
        return whole(rows.astype(np.float32), columns.astype(np.float32), weights)

    monkeypatch.setattr(medoids_module, "_sums", counted)
    medoids(Points.of(vectors), [np.arange(2000)], np.ones(2000))
    assert sum(computed) < 500


def test_a_medoid_is_not_the_point_nearest_to_the_mean() -> None:
    """An outlier pulls the mean but not the medoid."""
    vectors = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]], np.float32)
    assert medoids(Points.of(vectors), [np.arange(5)], np.ones(5)).tolist() == [2]
    assert np.abs(vectors - vectors.mean()).argmin() == 3


def test_of_very_many_members_a_finalist_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the exact limit the medoid's sum is within 0.1 % of the least, even if few members have
    a weight.
    """
    monkeypatch.setattr(medoids_module, "LARGE", 1000)
    monkeypatch.setattr(medoids_module, "REFERENCES", 500)
    monkeypatch.setattr(medoids_module, "FINALISTS", 50)
    clustered = blobs(1, count=3000, dimension=300)
    rng = np.random.default_rng(5)
    # Most of the length is outside the projection, and differs from row to row.
    spread = rng.normal(size=(3000, 2048)) * rng.lognormal(0, 0.5, size=(3000, 1))
    for vectors in (clustered, spread.astype(np.float32)):
        distances = all_distances(vectors)
        for weights in (np.ones(3000), np.where(np.arange(3000) % 300 == 7, 1.3, 0)):
            (found,) = medoids(Points.of(vectors), [np.arange(3000)], weights)
            sums = distances @ weights
            assert sums[found] <= 1.001 * sums.min()


def inertia(vectors: Vectors, clusters: npt.NDArray[np.intp], weights: Vectors) -> float:
    """The weighted sum of squared distances to the clusters' weighted means."""
    total = 0.0
    for cluster in np.unique(clusters):
        rows, own = vectors[clusters == cluster].astype(np.float64), weights[clusters == cluster]
        total += float(own @ ((rows - own @ rows / own.sum()) ** 2).sum(axis=1))
    return total


def clusters_of(
    vectors: Vectors,
    k: int,
    seed: int,
    fixed: npt.NDArray[np.intp] = NONE,
    weights: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.intp]:
    rows = np.arange(len(vectors))
    counted = np.ones(len(rows)) if weights is None else weights
    return kmeans(Points.of(vectors), rows, k, fixed, counted, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("k", "dimension", "weighted"),
    [(2, 16, False), (6, 16, False), (15, 16, True), (15, 600, False)],
)
def test_k_means_is_as_good_as_scikit_learns(k: int, dimension: int, weighted: bool) -> None:
    """Over five seeds, the mean sum of squares is at most 2 % above scikit-learn's with as many restarts."""
    vectors = blobs(3, count=400, clusters=12, dimension=dimension)
    weights = np.random.default_rng(3).lognormal(0, 2 * weighted, 400)
    ours = [inertia(vectors, clusters_of(vectors, k, seed, weights=weights), weights) for seed in range(5)]
    theirs = [
        KMeans(k, n_init=RESTARTS, random_state=seed).fit(vectors, sample_weight=weights).inertia_
        for seed in range(5)
    ]
    assert np.mean(ours) <= 1.02 * np.mean(theirs)


@pytest.mark.gpu
@pytest.mark.skipif(not faiss.get_num_gpus(), reason="FAISS was built without GPU code")
def test_k_means_on_a_gpu_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of squares on a GPU is within 1 % of the sum on the CPU."""
    vectors = blobs(3, count=4000, clusters=12, dimension=600)
    on_gpu = inertia(vectors, clusters_of(vectors, 15, seed=0), np.ones(4000))
    monkeypatch.setattr("models.selection.kmeans._gpu", lambda: None)
    assert on_gpu == pytest.approx(
        inertia(vectors, clusters_of(vectors, 15, seed=0), np.ones(4000)), rel=0.01
    )


def test_fixed_centres_keep_what_is_near_to_them() -> None:
    """Images nearest to a fixed centre are in cluster −1, and the other groups get a cluster each."""
    rng = np.random.default_rng(1)
    member = np.repeat(np.arange(5), 20)
    vectors = (40 * rng.normal(size=(5, 6))[member] + rng.normal(size=(100, 6))).astype(np.float32)
    clusters = clusters_of(vectors, 3, seed=0, fixed=np.array([0, 20]))
    assert (clusters[:40] == -1).all()
    assert len({tuple(clusters[member == group]) for group in (2, 3, 4)}) == 3
    assert all(len(set(clusters[member == group])) == 1 for group in (2, 3, 4))


def test_weights_draw_centres() -> None:
    """Two centres for three groups go to the two groups with weight."""
    member = np.repeat(np.arange(3), 10)
    vectors = (np.eye(3)[member] * 10 + np.random.default_rng(0).normal(size=(30, 3))).astype(np.float32)
    for light in range(3):
        weights = np.where(member == light, 0.001, 1.0)
        picks = select("kmedoids", vectors, 2, weights=weights).picks
        assert {member[pick.index] for pick in picks} == {0, 1, 2} - {light}


def test_k_means_sees_every_image() -> None:
    """A small cluster among many images is found, because no image is left out of the clustering."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(4000, 8)).astype(np.float32)
    vectors[1234:1238] += 60
    assert any(1234 <= pick.index < 1238 for pick in select("kmedoids", vectors, 2).picks)


def test_separate_clusters_get_a_pick_each() -> None:
    """If the budget equals the true number of clusters, every cluster gets a pick."""
    rng = np.random.default_rng(2)
    member = np.repeat(np.arange(10), 12)
    vectors = (50 * rng.normal(size=(10, 32))[member] + rng.normal(size=(120, 32))).astype(np.float16)
    picks = select("kmedoids", vectors, 10).picks
    assert {member[pick.index] for pick in picks} == set(range(10))
    assert all(pick.cluster_size == 12 for pick in picks)


@pytest.mark.parametrize("seed", range(3))
def test_the_picks_are_the_medoids_of_k_means(seed: int) -> None:
    """With one cluster the pick is the medoid of all images; with k, the picks are the medoids of k-means'
    clusters.
    """
    vectors = blobs(seed)
    assert select("kmedoids", vectors, 1).picks[0].index == all_distances(vectors).sum(axis=1).argmin()
    clusters = clusters_of(vectors, 9, seed)
    expected = []
    for cluster in range(9):
        rows = np.flatnonzero(clusters == cluster)
        expected.append(rows[all_distances(vectors[rows]).sum(axis=1).argmin()])
    assert {pick.index for pick in select("kmedoids", vectors, 9, seed=seed).picks} == set(expected)


def test_greedy_takes_the_largest_gain_each_time() -> None:
    """The choices equal those of trying every candidate at every step, with weights and covered images."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        distances = rng.random((12, 30)).astype(np.float32)
        nearest, weights = rng.random(30).astype(np.float32) + 0.3, rng.random(30)
        chosen: list[int] = []
        for _ in range(5):
            covers = np.minimum(distances, distances[chosen].min(axis=0, initial=np.inf))
            costs = np.minimum(covers, nearest) @ weights
            costs[chosen] = np.inf
            chosen.append(int(costs.argmin()))
        assert greedy(distances, nearest, weights, 5).tolist() == chosen


def test_no_swap_is_left_that_lowers_the_objective() -> None:
    """When FasterPAM ends, replacing any medoid by any other image gains nothing. On small problems the
    result is within 5 % of the best of all choices.
    """
    rng = np.random.default_rng(0)
    for seed in range(10):
        distances = all_distances(blobs(seed, count=18, clusters=3, dimension=2)).astype(np.float32)
        covered = np.where(rng.random(18) < 0.2, 1.0, np.inf).astype(np.float32)
        weights = rng.random(18)

        def cost(chosen: tuple[int, ...]) -> float:
            return float(np.minimum(distances[list(chosen)].min(axis=0), covered) @ weights)  # noqa: B023

        found = swapped(distances, np.arange(3), covered, weights).tolist()
        swaps = [cost((*found[:i], other, *found[i + 1 :])) for i in range(3) for other in range(18)]
        assert cost(tuple(found)) <= min(swaps) * (1 + 1e-5)
        assert cost(tuple(found)) <= 1.05 * min(map(cost, itertools.combinations(range(18), 3)))


def test_fasterpam_is_never_worse_than_its_start() -> None:
    """FasterPAM's objective is at most that of k-medoids, and lower on most pools."""
    pairs = [
        (
            select("fasterpam", blobs(seed), 8).picks[-1].coverage,
            select("kmedoids", blobs(seed), 8).picks[-1].coverage,
        )
        for seed in range(8)
    ]
    assert all(swapped <= start * (1 + 1e-6) for swapped, start in pairs)
    assert sum(swapped < start for swapped, start in pairs) >= 4


def test_fasterpam_is_never_worse_than_its_start_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swaps that help on a sample are undone if they are worse for all images."""
    monkeypatch.setattr(problem_module, "PAIRWISE", 120)
    for seed in range(8):
        vectors = blobs(seed, count=1000)
        swapped, start = (select(name, vectors, 60).picks[-1].coverage for name in ("fasterpam", "kmedoids"))
        assert swapped <= start * (1 + 1e-6)


def test_k_centre_picks_are_the_farthest() -> None:
    """Every pick after the first is the image farthest from the earlier picks."""
    vectors = blobs(4, dimension=300)
    distances = all_distances(vectors)
    chosen = [pick.index for pick in select("kcenter", vectors, 12).picks]
    for count in range(1, 12):
        nearest = distances[chosen[:count]].min(axis=0)
        assert nearest[chosen[count]] == pytest.approx(nearest.max(), rel=1e-4)


def test_typiclust_picks_lie_densest() -> None:
    """The pick of each cluster has the least mean distance to its 20 nearest neighbours in the cluster."""
    vectors = blobs(5, count=300)
    clusters = clusters_of(vectors, 4, seed=0)
    expected = []
    for cluster in range(4):
        rows = np.flatnonzero(clusters == cluster)
        near = np.sort(all_distances(vectors[rows]), axis=1)[:, 1:21]
        expected.append(rows[near.mean(axis=1).argmin()])
    assert {pick.index for pick in select("typiclust", vectors, 4).picks} == set(expected)


def test_of_a_large_cluster_spread_members_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """TypiClust then compares every third member with the others of these, and picks the densest."""
    monkeypatch.setattr(import_module("models.selection.strategies.typiclust"), "PAIRWISE", 50)
    judged = np.arange(0, 150, 3)
    for seed in range(4):
        vectors = blobs(seed, count=150, clusters=1)
        nearest = np.sort(all_distances(vectors[judged]), axis=1)[:, :21]
        [pick] = select("typiclust", vectors, 1).picks
        assert pick.index == judged[nearest.sum(axis=1).argmin()]


def test_probcover_covers_with_balls() -> None:
    """Each pick's ball covers the most weight that no earlier ball covers, and 95 % of all balls are pure."""
    vectors = blobs(6, count=400, clusters=20)
    distances, clusters = all_distances(vectors), clusters_of(vectors, 20, seed=0)
    other = np.where(clusters[:, None] != clusters, distances, np.inf).min(axis=1)
    delta = np.sort(other)[int(0.05 * 399)] * (1 + 1e-4)
    weights = np.random.default_rng(6).random(400)
    uncovered = weights.copy()
    for pick in select("probcover", vectors, 8, weights=weights).picks:
        gains = (distances <= delta) @ uncovered
        assert gains[pick.index] == pytest.approx(gains.max(), rel=1e-6)
        uncovered[distances[pick.index] <= delta] = 0


def test_probcover_goes_on_when_all_is_covered() -> None:
    """Once the balls cover everything, or if they cover nothing more, the picks of `facility` follow."""
    groups = np.repeat(np.eye(3, dtype=np.float32), [5, 3, 2], axis=0)
    assert [pick.coverage for pick in select("probcover", groups, 3).picks][-1] == 0
    far = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    near = np.repeat(1000 * far[:20], 10, axis=0) + np.tile(far[:10], (20, 1))
    picks = [pick.index for pick in select("probcover", near, 40).picks]
    assert {pick // 10 for pick in picks[:20]} == set(range(20))
    rest = select("facility", near, 20, labelled=picks[:20]).picks
    assert picks[20:] == [pick.index for pick in rest]


@pytest.mark.parametrize("strategy", ["fasterpam", "facility", "probcover"])
def test_of_many_images_some_are_compared_pair_by_pair(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit, picks from a sample cover nearly as well as picks from all images. A budget above the
    limit is refused with advice.
    """
    vectors = blobs(7, count=600)
    of_all = select(strategy, vectors, 12).picks[-1].coverage
    monkeypatch.setattr("models.selection.problem.PAIRWISE", 300)
    assert of_all != select(strategy, vectors, 12).picks[-1].coverage <= 1.25 * of_all
    with pytest.raises(ValueError, match="take kmedoids"):
        select(strategy, vectors, 301)
