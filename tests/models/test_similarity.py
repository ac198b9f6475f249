"""Similar images: the index against brute force, and near-duplicates against their definition."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from models.similarity import (
    PoolIndex,
    duplicate_groups,
    duplicates,
    index,
    leaks,
    pair_distances,
    typical_distance,
)
from models.stopping import stopped_by
from models.vectors.points import Points

Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def vectors(count: int, dimension: int = 16, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(dtype)


def frames(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Clusters of nearly equal vectors, like frames of a car that waits at traffic lights."""
    rng = np.random.default_rng(seed)
    scenes = rng.normal(size=(max(1, count // 5), dimension))
    noise = rng.normal(size=(count, dimension)) * rng.choice([0, 0.02, 0.2, 1], size=(count, 1))
    return (scenes[rng.integers(len(scenes), size=count)] + noise).astype(np.float32)


def all_distances(a: np.ndarray, b: np.ndarray) -> Rows:
    return np.linalg.norm(a[:, None].astype(np.float64) - b[None].astype(np.float64), axis=2)


def index_of(rows: np.ndarray) -> PoolIndex:
    made = PoolIndex(rows.shape[1])
    made.add(rows)
    return made


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_search_finds_the_nearest_as_brute_force_does(dtype: str) -> None:
    """Rows and sorted distances equal those of float64 brute force, for every float type."""
    pool, queries = vectors(700, dtype=dtype), vectors(9, seed=1, dtype=dtype)
    rows, distances = index_of(pool).search(queries, 12)
    truth = all_distances(queries, pool)
    np.testing.assert_array_equal(rows, truth.argsort(axis=1)[:, :12])
    np.testing.assert_allclose(distances, np.sort(truth, axis=1)[:, :12], rtol=1e-6)


def test_a_kept_vector_is_at_distance_zero_and_equals_come_in_order() -> None:
    """Three copies of the query come first, in the order of their rows, at distance exactly 0."""
    pool = vectors(50, 64) * 1000
    pool[[7, 31]] = pool[3]
    rows, distances = index_of(pool).search(pool[31:32], 4)
    assert rows[0, :3].tolist() == [3, 7, 31]
    assert distances[0, :3].tolist() == [0, 0, 0] < [distances[0, 3]] * 3


def test_search_asks_for_no_more_than_there_is() -> None:
    """A search for more neighbours than there are rows gives all rows; an empty index gives none."""
    rows, distances = index_of(vectors(3)).search(vectors(2, seed=1), 10)
    assert rows.shape == distances.shape == (2, 3)
    assert PoolIndex(16).search(vectors(2), 10)[0].shape == (2, 0)
    assert index_of(vectors(3)).search(vectors(0), 10)[0].shape == (0, 3)


def test_a_large_index_goes_into_lists_and_still_finds_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large index nearly all nearest neighbours are found, at their true distances up to float16's
    rounding.
    """
    monkeypatch.setattr(index, "EXACT_ROWS", 1500)
    monkeypatch.setattr(index, "LISTS", 24)
    monkeypatch.setattr(index, "PROBES", 8)
    pool = frames(4000, 32)
    pool += 20 * vectors(12, 32)[np.arange(4000) % 12]
    made = PoolIndex(32)
    for start in range(0, 4000, 700):
        made.add(pool[start : start + 700])
    assert len(made) == 4000
    queries = np.arange(0, 4000, 41)
    distances = made.search(pool[queries], 8)[1]
    truth = np.sort(all_distances(pool[queries], pool), axis=1)[:, :8]
    assert np.isclose(distances, truth, atol=0.05).mean() > 0.95


@pytest.mark.parametrize("exact_rows", [100_000, 200])
def test_an_index_is_kept_in_a_file_and_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact_rows: int
) -> None:
    """An index that is loaded, extended and saved again answers like one made at once. A process that has
    mapped the old file can go on reading it.
    """
    monkeypatch.setattr(index, "EXACT_ROWS", exact_rows)
    monkeypatch.setattr(index, "LISTS", 4)
    monkeypatch.setattr(index, "PROBES", 4)
    pool, path = vectors(400), tmp_path / "new" / "pool.index"
    index_of(pool[:300]).save(path)
    reader, writer = PoolIndex.load(path), PoolIndex.load(path)
    writer.add(pool[300:310])
    writer.add(pool[310:])
    writer.save(path)
    assert (len(reader), len(writer), len(PoolIndex.load(path))) == (300, 400, 400)
    assert PoolIndex.load(path).dimension == 16
    np.testing.assert_array_equal(PoolIndex.load(path).search(pool, 5)[0], index_of(pool).search(pool, 5)[0])
    assert reader.search(pool[350:], 1)[0].max() < 300
    with pytest.raises(RuntimeError, match="replaced since"):
        reader.add(pool[300:])
    reader.add(pool[300:302])
    with pytest.raises(RuntimeError, match="replaced since"):
        reader.save(path)


def extended(path: Path, rows: np.ndarray) -> PoolIndex:
    """The index in the file, extended by a few rows."""
    made = PoolIndex.load(path)
    for row in rows:
        made.add(row[None])
    assert made.is_mapped
    return made


def test_rows_in_the_tail_of_a_mapped_index_are_found_like_its_own(tmp_path: Path) -> None:
    """With a tail of a few rows, which equal earlier rows, a mapped index answers like one made at once, and
    is saved as such.
    """
    pool, queries, path = frames(208, 24), frames(30, 24), tmp_path / "index"
    pool[200:] = pool[10:18]
    index_of(pool[:200]).save(path)
    whole, made = index_of(pool), extended(path, pool[200:])
    made.save(tmp_path / "saved")
    for found in (extended(path, pool[200:]), made, PoolIndex.load(tmp_path / "saved")):
        assert len(found) == 208
        for k in (1, 5, 205, 300):
            for of_found, of_whole in zip(found.search(queries, k), whole.search(queries, k), strict=True):
                np.testing.assert_array_equal(of_found, of_whole)
        assert found.search(pool[200:201], 2)[0].tolist() == [[10, 200]]


def test_a_mapped_index_stays_in_its_file_when_a_few_rows_are_added(tmp_path: Path) -> None:
    """Adding one row and searching takes no more memory than a few rows."""
    pool, path = vectors(5000, 2048), tmp_path / "index"
    index_of(pool).save(path)
    before = anonymous_memory()
    made = extended(path, pool[:1])
    assert made.search(pool[:1], 3)[0][0, :2].tolist() == [0, 5000]
    assert anonymous_memory() - before < pool.nbytes / 4


def anonymous_memory() -> int:
    """The bytes of this process's memory that belong to no file."""
    [line] = [line for line in Path("/proc/self/status").read_text().split("\n") if "RssAnon" in line]
    return 1024 * int(line.split()[1])


def test_an_unusable_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """A missing file, half a file and a file of another kind are refused."""
    path = tmp_path / "pool.index"
    with pytest.raises(FileNotFoundError, match=r"no index at .*pool\.index"):
        PoolIndex.load(path)
    index_of(vectors(100)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="build it again"):
        PoolIndex.load(path)


def test_unusable_vectors_are_refused() -> None:
    """Another dimension, NaN, infinity and numbers too large for float16 are refused, and not added."""
    made = index_of(vectors(5))
    for bad in (vectors(2, 15), np.full((1, 16), np.nan), np.full((1, 16), np.inf), np.full((1, 16), 7e4)):
        with pytest.raises(ValueError, match=r"shape \(count, 16\)|finite and within"):
            made.add(bad)
        with pytest.raises(ValueError, match=r"shape \(count, 16\)|finite and within"):
            made.search(bad, 1)
    assert len(made) == 5


def test_the_typical_distance_is_the_median_over_pairs() -> None:
    """It is within 3 % of the median over all pairs, the same for given rows as for a matrix of these rows,
    and 0 without pairs.
    """
    pool = frames(300, 20)
    pairs = all_distances(pool, pool)[np.triu_indices(300, 1)]
    assert typical_distance(pool) == pytest.approx(np.median(pairs), rel=0.03)
    rows = np.arange(300)[::-3]
    assert typical_distance(pool, rows=rows) == typical_distance(pool[rows]) != typical_distance(pool)
    assert typical_distance(pool[:1]) == typical_distance(pool[:0]) == typical_distance(pool, rows=[4]) == 0
    assert typical_distance(np.array([[0.0], [3.0]])) == 3


def test_pairs_are_measured_a_few_at_a_time() -> None:
    """Distances equal float64 brute force, and their computation takes far less memory than the vectors."""
    pool = vectors(20_000, dtype="float16")
    first, second = np.zeros(20_000, np.intp), np.arange(20_000)
    tracemalloc.start()
    distances = pair_distances(pool, first, second)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(distances, all_distances(pool[:1], pool)[0], rtol=1e-6)
    assert peak < pool.nbytes / 4


def groups_by_definition(pool: np.ndarray, threshold: float, order: list[int]) -> list[list[int]]:
    apart = all_distances(pool, pool)
    groups: dict[int, list[int]] = {}
    for row in order:
        first = next((known for known in groups if apart[row, known] <= threshold), row)
        groups.setdefault(first, []).append(row)
    return sorted(group for group in groups.values() if len(group) > 1)


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 60),
    dimension=st.sampled_from([1, 3, 300]),
    threshold=st.sampled_from([0.0, 0.05, 0.4, 5.0, 1e3]),
    block=st.sampled_from([4, 1024]),
    many=st.sampled_from([1, 10**9]),
    seed=st.integers(0, 99),
)
def test_duplicate_groups_are_those_of_the_definition(
    count: int, dimension: int, threshold: float, block: int, many: int, seed: int
) -> None:
    """Groups equal those of the definition, applied row by row: for all block sizes and orders of rows, with
    and without projection, and whether few or many candidates are measured.
    """
    pool = frames(count, dimension, seed)
    order = np.random.default_rng(seed).permutation(count)[: count // 2 + 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "ROWS_AT_ONCE", block)
        patch.setattr(duplicates, "DISTANCES_AT_ONCE", 64)
        patch.setattr(duplicates, "MATRIX_FROM_ONE_IN", many)
        assert duplicate_groups(pool, threshold) == groups_by_definition(pool, threshold, list(range(count)))
        expected = groups_by_definition(pool, threshold, order.tolist())
        assert duplicate_groups(pool, threshold, order) == expected


def test_a_drive_does_not_chain_into_one_group() -> None:
    """Frames at distances of 1 with the threshold 1.5 form pairs, not one group of all."""
    assert duplicate_groups(np.arange(6.0)[:, None], 1.5) == [[0, 1], [2, 3], [4, 5]]


def test_rows_put_first_represent() -> None:
    """A labelled image that is put first represents its near-duplicates, even if its row comes later."""
    pool = np.array([[0.0], [0.1], [9.0], [0.2]])
    assert duplicate_groups(pool, 0.5, rows=[3, 0, 1, 2]) == [[3, 0, 1]]


@pytest.mark.parametrize("many", [1, 10**9])
@pytest.mark.parametrize("dimension", [5, 400])
def test_leaks_are_the_train_images_near_a_test_image(
    dimension: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaks are the train images whose nearest test image, found by scikit-learn, is within the threshold,
    whether few or many candidates are measured.
    """
    monkeypatch.setattr(duplicates, "MATRIX_FROM_ONE_IN", many)
    pool = frames(300, dimension).astype(np.float16)
    mixed = np.random.default_rng(2).permutation(300)
    train, test = np.sort(mixed[:200]), mixed[200:280]
    reference = NearestNeighbors(n_neighbors=1).fit(pool[test].astype(np.float64))
    nearest, _ = reference.kneighbors(pool[train].astype(np.float64))
    expected = {int(row): d for row, (d,) in zip(train, nearest, strict=True) if d <= 2.0}
    found = leaks(pool, train, pool[test], 2.0)
    assert 0 < len(found) < 200
    assert [row for row, _, _ in found] == list(expected)
    for row, place, distance in found:
        assert distance == pytest.approx(expected[row], rel=1e-5, abs=1e-6)
        apart = np.linalg.norm(pool[row].astype(np.float64) - pool[test[place]].astype(np.float64))
        assert apart == pytest.approx(distance, rel=1e-5)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list of how many pairs each call measured."""
    calls: list[int] = []
    apart = duplicates.pair_distances

    def counted(embeddings: np.ndarray, first: np.ndarray, *second: np.ndarray) -> np.ndarray:
        calls.append(len(first))
        return apart(embeddings, first, *second)

    monkeypatch.setattr(duplicates, "pair_distances", counted)
    return calls


@pytest.mark.parametrize(("threshold", "outlier"), [(1e300, 1), (0.5, 1e4)])
@pytest.mark.parametrize("dimension", [5, 400])
def test_few_pairs_are_measured(
    threshold: float,
    outlier: float,
    dimension: int,
    measured: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Leaks and groups do not measure every pair, even if all pairs are within the threshold, or if one
    vector is far from all others.
    """
    pool = 10 * vectors(1200, dimension)
    pool[600:] = pool[:600] + 0.01 * vectors(600, dimension, 1)
    pool[17] *= outlier
    monkeypatch.setattr(duplicates, "ROWS_AT_ONCE", 100)
    expected = [(row, row) for row in range(600) if outlier == 1 or row != 17]
    found = leaks(pool[:600], np.arange(600), pool[600:], threshold)
    assert [pair for *pair, _ in map(list, found)] == [list(pair) for pair in expected]
    assert sum(measured) < 0.03 * 600**2
    measured.clear()
    assert sum(map(len, duplicate_groups(pool, threshold))) == (1200 if threshold > 1 else 1198)
    assert sum(measured) < 0.03 * 1200**2


def test_few_pairs_are_measured_where_the_projection_tells_none_apart(measured: list[int]) -> None:
    """Images that vary equally in all directions are 64 apart, but in the projection every pair looks nearer
    than 50. Even so, leaks and groups measure only one or two pairs per image.
    """
    pool = vectors(1200, 2048)
    points = Points.of(pool)
    assert all_distances(points.projected[:50], points.projected).max() < 50 / points.scale
    assert leaks(pool[:600], np.arange(600), pool[600:], 50.0) == []
    assert sum(measured) <= 2 * 600
    measured.clear()
    assert duplicate_groups(pool, 50.0) == []
    assert sum(measured) <= 1200


def test_work_can_be_stopped_between_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups, leaks, and an index that grows or searches ask whether to go on, and end if not."""
    monkeypatch.setattr(duplicates, "ROWS_AT_ONCE", 10)
    pool, made, asked = vectors(60), index_of(vectors(60)), [0]

    def stop() -> None:
        asked[0] += 1
        if asked[0] > limit:
            raise InterruptedError

    for work in (
        lambda: duplicate_groups(pool, 0.1),
        lambda: leaks(pool[:40], range(40), pool[40:], 0.1),
        lambda: made.add(pool),
        lambda: made.search(pool, 2),
    ):
        asked[0], limit = 0, 10**6
        with stopped_by(stop):
            work()
        needed, asked[0], limit = asked[0], 0, asked[0] - 1
        assert needed > 0
        with stopped_by(stop), pytest.raises(InterruptedError):
            work()


def test_nothing_leaks_where_a_side_is_empty() -> None:
    """Without train images, test images or any images there are no leaks and no groups."""
    pool = vectors(6)
    assert leaks(pool, [], pool[:2], 1.0) == leaks(pool, [1, 2], pool[:0], 1.0) == []
    assert duplicate_groups(pool[:0], 1.0) == duplicate_groups(pool, 1.0, rows=[]) == []


@pytest.mark.parametrize("threshold", [-0.1, float("nan")])
def test_a_distance_must_be_one(threshold: float) -> None:
    """A negative threshold and NaN are refused."""
    with pytest.raises(ValueError, match="must be 0 or more"):
        duplicate_groups(vectors(3), threshold)
    with pytest.raises(ValueError, match="must be 0 or more"):
        leaks(vectors(3), [0], vectors(1), threshold)
