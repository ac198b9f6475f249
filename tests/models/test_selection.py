"""k-medoids, the random draw and coverage, against brute force and scikit-learn."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.cluster import KMeans

from models.selection import coverage, select
from models.selection.distances import BLOCK_ROWS, euclidean
from models.selection.kmeans import RESTARTS, kmeans
from models.selection.kmedoids import coverage_order, distance_sums, kmedoids, medoid

Vectors = npt.NDArray[np.floating]


def brute_force(rows: Vectors, columns: Vectors) -> npt.NDArray[np.float64]:
    """Distances by their definition, one pair at a time, in float64."""
    difference = rows[:, None].astype(np.float64) - columns[None].astype(np.float64)
    return np.asarray(np.sqrt((difference**2).sum(axis=2)))


def blobs(seed: int, count: int = 120, clusters: int = 6, dimension: int = 16) -> Vectors:
    """Clusters of uneven size around far centres, away from the origin as an encoder's embeddings are."""
    rng = np.random.default_rng(seed)
    centres = 8 * rng.normal(size=(clusters, dimension)) + 20
    member = rng.choice(clusters, count, p=rng.dirichlet(np.full(clusters, 2.0)))
    return (centres[member] + rng.normal(size=(count, dimension))).astype(np.float32)


def test_distances_follow_the_definition() -> None:
    """The matrix product gives what the sum of squares gives, and equal vectors are at distance 0."""
    vectors = np.concatenate([blobs(0), blobs(0)[:10]])
    distances = euclidean(vectors, vectors)
    assert np.allclose(distances, brute_force(vectors, vectors), rtol=1e-9, atol=1e-6)
    assert (np.diag(distances) == 0).all()
    assert (distances[120:, :10].diagonal() == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_picks_are_the_medoids_of_their_clusters(seed: int) -> None:
    """Each pick is the member with the least mean unsquared distance to the others, and says which mean."""
    vectors = blobs(seed)
    picks, clusters = kmedoids(vectors, np.arange(len(vectors)), 9, np.random.default_rng(seed))
    selection = select("kmedoids", vectors, 9, seed=seed)
    assert [pick.index for pick in selection.picks] == picks.tolist()
    for place, pick in enumerate(selection.picks):
        members = np.flatnonzero(clusters == place)
        sums = brute_force(vectors[members], vectors[members]).sum(axis=1)
        assert members[sums.argmin()] == pick.index
        assert pick.cluster_size == len(members)
        assert pick.mean_distance == pytest.approx(sums.min() / max(len(members) - 1, 1), rel=1e-9)


def test_a_medoid_is_not_the_point_nearest_to_the_mean() -> None:
    """An outlier pulls the mean but not the medoid."""
    vectors = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]], np.float32)
    assert medoid(vectors, np.arange(5)) == 2
    assert np.abs(vectors - vectors.mean()).argmin() == 3


def test_a_large_cluster_is_summed_block_by_block() -> None:
    """More members than one block holds: every pair counts once, whichever blocks its ends are in."""
    vectors = np.random.default_rng(0).normal(size=(2 * BLOCK_ROWS + 77, 3)).astype(np.float32)
    members = np.arange(len(vectors))[::-1].copy()
    expected = brute_force(vectors, vectors).sum(axis=1)[members]
    assert np.allclose(distance_sums(vectors, members), expected, rtol=1e-9)


def inertia(vectors: Vectors, clusters: npt.NDArray[np.intp]) -> float:
    """The sum of squared distances to the means of the clusters."""
    members = (vectors[clusters == cluster].astype(np.float64) for cluster in np.unique(clusters))
    return float(sum(((rows - rows.mean(axis=0)) ** 2).sum() for rows in members))


@pytest.mark.parametrize("k", [2, 6, 15])
def test_k_means_is_as_good_as_scikit_learns(k: int) -> None:
    """Over ten seeds, its mean sum of squares is at most 2 % above scikit-learn's with as many restarts."""
    vectors = blobs(3, count=400, clusters=12)
    ours = [inertia(vectors, kmeans(vectors, k, np.random.default_rng(seed))) for seed in range(10)]
    theirs = [KMeans(k, n_init=RESTARTS, random_state=seed).fit(vectors).inertia_ for seed in range(10)]
    assert np.mean(ours) <= 1.02 * np.mean(theirs)


def test_k_means_sees_every_image() -> None:
    """A small cluster among many images is found: none of them is left out of the clustering."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(4000, 8)).astype(np.float32)
    vectors[1234:1238] += 60
    assert any(1234 <= pick.index < 1238 for pick in select("kmedoids", vectors, 2).picks)


def test_separate_clusters_get_a_pick_each() -> None:
    """With the budget of the true number of clusters, every cluster is represented."""
    rng = np.random.default_rng(2)
    member = np.repeat(np.arange(10), 12)
    vectors = (50 * rng.normal(size=(10, 32))[member] + rng.normal(size=(120, 32))).astype(np.float16)
    picks = select("kmedoids", vectors, 10).picks
    assert {member[pick.index] for pick in picks} == set(range(10))
    assert all(pick.cluster_size == 12 for pick in picks)


@pytest.mark.parametrize("value", [0.0, 3.25])
def test_equal_images_fill_any_budget(value: float) -> None:
    """Images that all look the same still make `budget` clusters with a member each."""
    vectors = np.full((9, 4), value, np.float32)
    for budget in (1, 4, 9):
        picks = select("kmedoids", vectors, budget).picks
        assert len({pick.index for pick in picks}) == budget
        assert sum(pick.cluster_size for pick in picks) == 9
        assert all(pick.mean_distance == pick.coverage == 0 for pick in picks)


def test_scale_and_offset_of_the_embeddings_do_not_matter() -> None:
    """Embeddings shifted and scaled (by powers of two, so exactly) give the same picks."""
    vectors = np.round(blobs(4) * 16) / 16
    expected = [pick.index for pick in select("kmedoids", vectors, 8).picks]
    for moved in (vectors * 2.0**70, vectors * 2.0**-70, vectors + 512):
        assert [pick.index for pick in select("kmedoids", moved.astype(np.float32), 8).picks] == expected


def test_the_largest_numbers_do_not_overflow() -> None:
    """Embeddings at both ends of float32's range are clustered like any others."""
    vectors = np.array([[3.4e38], [3.3e38], [-3.4e38], [-3.3e38], [-3.35e38]], np.float32)
    assert [pick.cluster_size for pick in select("kmedoids", vectors, 2).picks] == [3, 2]


@pytest.mark.parametrize("labelled", [[], [3, 40, 77]])
def test_the_order_is_greedy(labelled: list[int]) -> None:
    """Each next pick is the one that lowers the mean distance to the nearest pick or label the most."""
    vectors, medoids = blobs(6), np.array([5, 17, 29, 44, 58, 71, 96, 110])
    order = coverage_order(vectors, medoids, np.array(labelled, np.intp))
    distances = brute_force(vectors, vectors)
    taken = list(labelled)
    for place in order:
        left = [m for m in medoids if m not in taken]
        means = {m: distances[:, [*taken, m]].min(axis=1).mean() for m in left}
        assert means[medoids[place]] == pytest.approx(min(means.values()), rel=1e-7)
        taken.append(medoids[place])
    assert sorted(order) == list(range(8))


def test_gains_shrink_from_pick_to_pick() -> None:
    """After the first pick, none improves the coverage more than the one before it."""
    picks = select("kmedoids", blobs(7, count=300), 25).picks
    gains = -np.diff([pick.coverage for pick in picks])
    assert (np.diff(gains) <= 1e-6).all()


def test_labelled_images_are_not_chosen_again() -> None:
    """Choosing ten times, five each, from fifty images draws every image once."""
    vectors = blobs(8, count=50)
    labelled: list[int] = []
    for _ in range(10):
        labelled += [pick.index for pick in select("kmedoids", vectors, 5, labelled=labelled).picks]
    assert sorted(labelled) == list(range(50))


def test_medoids_cover_better_than_a_random_draw() -> None:
    """On clustered embeddings, medoids lie nearer to all images than any of twenty random draws."""
    vectors = blobs(9, count=400, clusters=10)
    of_medoids = select("kmedoids", vectors, 10).picks[-1].coverage
    of_draws = [select("random", vectors, 10, seed=seed).picks[-1].coverage for seed in range(20)]
    assert of_medoids < min(of_draws)


def test_the_random_draw_is_uniform() -> None:
    """In 3,000 draws of 2 from 6, each image comes first equally often (chi-squared test, p > 0.001)."""
    vectors = np.eye(6, dtype=np.float32)
    first = [select("random", vectors, 2, seed=seed).picks[0].index for seed in range(3000)]
    counts = np.bincount(first, minlength=6)
    assert ((counts - 500) ** 2 / 500).sum() < 20.5


def test_coverage_by_hand() -> None:
    """Images at 0, 1, 4 and 10 with picks at 1 and 10: distances 1, 0, 3, 0."""
    result = coverage(np.array([[0.0], [1.0], [4.0], [10.0]], np.float16), [1, 3])
    assert (result.mean, result.maximum) == (1.0, 3.0)


def test_coverage_needs_a_pick() -> None:
    """Without picks there is no nearest one."""
    with pytest.raises(ValueError, match="at least one pick"):
        coverage(np.ones((2, 2), np.float32), [])
