"""What the picks of `words` bring, patch by patch."""

import numpy as np
import pytest

from models.explanation import brought
from models.selection import Patches, select

PLACES = (10 * np.random.default_rng(0).normal(size=(7, 16))).astype(np.float16)
"""Far apart: every vocabulary has exactly one word for each."""


def patches_showing(*shown: str) -> Patches:
    """Images of four patches; each letter, a to g, is a place that a patch shows. All shown 16 times over, so
    that vocabularies have enough patches.
    """
    rows = np.array([[ord(letter) - ord("a") for letter in image] for image in shown])
    return Patches.of(np.tile(PLACES[rows], (16, 1, 1)))


def test_gains_are_those_of_new_and_rare_words() -> None:
    """With known words: √ of their counts times √ of how many there are, shares of all patches, and places
    of new patches.
    """
    patches = patches_showing("aabc", "ddda", "abce", "aaaa")
    images = np.arange(len(patches))
    first, second = brought(patches, images, np.array([0, 1]), np.array([3]), seed=0)
    # Image 3 is labelled and shows a four times; image 0 adds two a, a b and a c.
    assert first.gain == pytest.approx(np.sqrt(128) * (np.sqrt(6) - np.sqrt(4)) + 2 * np.sqrt(32))
    # Of 16 patches a, b and c, eight, two and two; d three; e one.
    assert first.shown == pytest.approx(12 / 16)
    assert second.gain == pytest.approx(np.sqrt(48) * np.sqrt(3) + np.sqrt(128) * (np.sqrt(7) - np.sqrt(6)))
    assert second.shown == pytest.approx(15 / 16)
    assert [(patch.left, patch.top, patch.new) for patch in first.patches[:2]] == [(0, 0.5, 1), (0.5, 0.5, 1)]
    assert {patch.new for patch in first.patches[2:]} == {0}
    assert sum(patch.gain for patch in first.patches) == pytest.approx(first.gain)
    assert (first.patches[0].right, first.patches[0].bottom) == (0.5, 1)


def test_the_selection_itself_is_explained() -> None:
    """The gains are those of the vocabularies that the selection used: the first pick's gain is the largest
    possible one, and gains fall.
    """
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 9, 4)).astype(np.float16)
    picks = [
        pick.index for pick in select("words", features.mean(axis=1), 12, seed=5, patches=features).picks
    ]
    patches, images, none = Patches.of(features), np.arange(60), np.array([], np.intp)
    gains = [pick.gain for pick in brought(patches, images, np.array(picks), none, seed=5)]
    assert gains == sorted(gains, reverse=True)
    every = [brought(patches, images, np.array([image]), none, seed=5)[0].gain for image in range(60)]
    assert gains[0] == max(every)


def test_what_is_shown_is_told_by_finer_words_than_the_selection_counts() -> None:
    """The first pick has a patch of all ten words, and still most of what the images show is new."""
    features = np.random.default_rng(2).normal(size=(40, 64, 4)).astype(np.float16)
    patches, none = Patches.of(features), np.array([], np.intp)
    told = brought(patches, np.arange(40), np.array([0, 1]), none, seed=0)
    assert told[0].shown < told[1].shown < 0.7
    assert max(patch.new for patch in told[1].patches) > 0
