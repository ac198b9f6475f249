"""The strategy `words`: greedy coverage of visual words."""

import numpy as np
import numpy.typing as npt
import pytest

from models.selection import Selection, patches, select
from models.selection.patches import Patches, Words, find_words
from models.selection.strategies.words import greedy_cover, word_weights

Array = npt.NDArray[np.floating]


def indices(selection: Selection) -> list[int]:
    return [pick.index for pick in selection.picks]


def pool(images: int = 300, seed: int = 0) -> tuple[Array, Array]:
    """Embeddings (N, 4), and patches (N, 9, 6) from thirty places, those of an image from three of them."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(30, 6)) * 5
    of_image = rng.integers(0, 30, (images, 3))[np.arange(images)[:, None], rng.integers(0, 3, (images, 9))]
    features = places[of_image] + 0.3 * rng.normal(size=(images, 9, 6))
    return rng.normal(size=(images, 4)).astype(np.float32), features.astype(np.float16)


def plain_greedy(counts: Array, seen: Array, weights: Array, budget: int) -> list[int]:
    """The definition: always the image with the largest gain, the first of equal ones."""
    chosen: list[int] = []
    for _ in range(budget):
        gains = ((np.sqrt(seen + counts) - np.sqrt(seen)) @ weights).round(9)
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
        seen = seen + counts[chosen[-1]]
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_the_picks_are_those_of_a_plain_greedy_search(seed: int) -> None:
    """Computing only the most promising gains again changes no pick, also with counts and weights of 0."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (400, 50)).astype(np.uint8)
    weights = rng.random(50) * (rng.random(50) < 0.7)
    seen = rng.poisson(0.5, 50).astype(np.float64)
    found = greedy_cover(counts, np.arange(400), seen, weights, 40)
    assert found.tolist() == plain_greedy(counts, seen, weights, 40)


def test_words_are_counted_by_the_nearest_centre(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every patch of an image counts for its nearest word in each vocabulary, whatever the block size."""
    monkeypatch.setattr(patches, "IMAGES_A_BLOCK", 7)
    features = pool(40)[1]
    rng = np.random.default_rng(0)
    words = [rng.normal(size=(11, 6)).astype(np.float32) * 4, rng.normal(size=(5, 6)).astype(np.float32)]
    rows = np.arange(0, 40, 3)
    found = Words(words).counts(Patches.of(features), rows)
    expected = np.zeros((len(rows), 16), int)
    for place, row in enumerate(rows):
        for patch in features[row].astype(np.float64):
            for start, vocabulary in ((0, words[0]), (11, words[1])):
                expected[place, start + np.linalg.norm(vocabulary - patch, axis=1).argmin()] += 1
    assert np.array_equal(found, expected)


def test_the_words_of_clear_clusters_are_their_centres() -> None:
    """With fewer different patches than words, every patch is a word of every vocabulary."""
    places = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float16)
    features = places[np.random.default_rng(1).integers(0, 6, (50, 9))]
    words = find_words(Patches.of(features), np.arange(50), np.random.default_rng(2))
    expected = places.astype(np.float32)
    for centres in words.centres:
        assert len(centres) == 6
        apart = np.linalg.norm(centres[:, None] - expected, axis=2)
        assert apart.min(axis=1) == pytest.approx(np.zeros(6), abs=1e-4)
        assert sorted(apart.argmin(axis=1)) == list(range(6))


def test_a_word_weighs_as_much_as_the_images_that_show_it() -> None:
    """The weight of a word is the mean over its patches times the root of their number, and 0 for a word that
    no image shows.
    """
    counts = np.array([[2, 0, 1, 0], [1, 3, 0, 0]], np.uint8)
    assert word_weights(counts, np.array([1.0, 0.4])) == pytest.approx([0.8 * 3**0.5, 0.4 * 3**0.5, 1.0, 0.0])
    assert word_weights(counts, np.ones(2)) == pytest.approx([3**0.5, 3**0.5, 1, 0])


def test_rounds_continue_as_one_selection() -> None:
    """Ten picks after ten labelled ones are the second half of twenty picks, and a smaller budget gives their
    beginning.
    """
    embeddings, features = pool()
    twenty = indices(select("words", embeddings, 20, patches=features))
    assert indices(select("words", embeddings, 10, patches=features)) == twenty[:10]
    second = select("words", embeddings, 10, labelled=twenty[:10], patches=features)
    assert indices(second) == twenty[10:]


def test_what_labelled_images_show_is_not_looked_for_again() -> None:
    """If labelled images show all of one half of the places, the first picks show the other half."""
    rng = np.random.default_rng(3)
    places = (10 * rng.normal(size=(8, 16))).astype(np.float16)
    half = np.repeat([0, 1], 40)
    features = places[4 * half[:, None] + rng.integers(0, 4, (80, 9))]
    embeddings = rng.normal(size=(80, 4)).astype(np.float32)
    picks = indices(select("words", embeddings, 2, labelled=range(10), patches=features))
    assert half[picks].tolist() == [1, 1]


def test_uncertain_images_decide_which_words_count() -> None:
    """With all weight on one half of the images, the picks come from this half."""
    rng = np.random.default_rng(4)
    places = (10 * rng.normal(size=(8, 16))).astype(np.float16)
    half = np.repeat([0, 1], 40)
    features = places[4 * half[:, None] + rng.integers(0, 4, (80, 9))]
    embeddings = rng.normal(size=(80, 4)).astype(np.float32)
    picks = indices(select("words", embeddings, 4, weights=half, patches=features))
    assert half[picks].tolist() == [1, 1, 1, 1]


def test_patches_may_belong_to_more_images() -> None:
    """Rows of a larger array, in any order, give the same picks as their copy; so do memory-mapped ones."""
    embeddings, features = pool(120)
    rows = np.random.default_rng(0).permutation(120)[:50]
    copied = select("words", embeddings[rows], 8, patches=features[rows])
    assert select("words", embeddings[rows], 8, patches=Patches(features, rows)) == copied


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "give `patches`"),
        (np.ones((2, 4, 3), np.float16), "of 3 images, not of 2"),
        (np.ones((3, 4), np.float16), r"shape \(3, 4\)"),
        (np.ones((3, 4, 3), np.int64), "int64"),
        (np.ones((3, 0, 3), np.float16), "shape"),
    ],
)
def test_unusable_patches_are_refused(given: Array | None, message: str) -> None:
    """Missing or misshaped patches raise a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=message):
        select("words", np.ones((3, 2), np.float32), 1, patches=given)
