"""What the picks of the strategy `words` bring: the patches that show what no earlier pick shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np

from models.selection.patches import Patches, find_words
from models.selection.strategies.words import word_weights
from models.vectors.blocks import one_blas_thread
from models.vectors.points import Distances, Indices

FINE_WORDS = 200
"""Words of the vocabularies that tell what is new: the few that the selection counts are all shown by the
first pick of many pools.
"""

LISTED = 6
"""The patches that are told of each pick."""


@dataclass(frozen=True)
class BroughtPatch:
    """A part of a photo, as shares of its width and height, and its share of the pick's gain.

    `new` is the share of fine vocabularies in which no labelled image and no earlier pick shows its word.
    """

    left: float
    top: float
    right: float
    bottom: float
    gain: float
    new: float


@dataclass(frozen=True)
class Brought:
    """What one pick adds: `gain` is how much it raises Σ weight · √patches over the words, averaged over
    vocabularies.

    `shown` is the share of all images' patches whose fine word is shown by a labelled image or by a pick up
    to this one. `patches` are those with the largest gains.
    """

    gain: float
    shown: float
    patches: list[BroughtPatch]


def brought(
    patches: Patches, images: Indices, picks: Indices, labelled: Indices, *, seed: int
) -> list[Brought]:
    """What each of the `picks` brings, in their order. All are images of `patches`; `images` holds every
    image that a selection with this seed chose from, and the `labelled` ones. Their weights are left aside.
    """
    with one_blas_thread():
        words = find_words(patches, images, np.random.default_rng(seed))
        fine_words = find_words(patches, images, np.random.default_rng(seed), FINE_WORDS)
        counts, fine_counts = (found.counts(patches, images) for found in (words, fine_words))
    weights = word_weights(counts, np.ones(len(images)))
    totals = fine_counts.sum(axis=0, dtype=np.float64)
    is_labelled = np.isin(images, labelled)
    seen = counts[is_labelled].sum(axis=0, dtype=np.float64)
    is_shown = fine_counts[is_labelled].sum(axis=0) > 0
    told = []
    for pick in picks:
        nearest = words.nearest(patches, np.array([pick]))[0]
        own = np.bincount(nearest.ravel(), minlength=len(weights))
        raised = (np.sqrt(seen + own) - np.sqrt(seen)) * weights
        gains = (raised / np.maximum(own, 1))[nearest].mean(axis=1)
        fine = fine_words.nearest(patches, np.array([pick]))[0]
        new = ~is_shown[fine]
        is_shown[fine] = True
        seen = seen + own
        told.append(
            Brought(
                float(raised.sum() / len(words.centres)),
                float(totals[is_shown].sum() / totals.sum()),
                list(_largest(gains, new.mean(axis=1))),
            )
        )
    return told


def _largest(gains: Distances, new: Distances) -> Iterator[BroughtPatch]:
    columns = isqrt(len(gains))
    rows = -(-len(gains) // columns)
    for place in np.argsort(-gains, kind="stable")[:LISTED].tolist():
        y, x = divmod(place, columns)
        box = x / columns, y / rows, (x + 1) / columns, (y + 1) / rows
        yield BroughtPatch(*box, float(gains[place]), float(new[place]))
