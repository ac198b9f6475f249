"""What the picks of the strategy `words` bring: the patches that show what no earlier pick shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np

from models.selection.patches import Patches, find_words
from models.selection.strategies.words import word_weights
from models.vectors.blocks import one_blas_thread
from models.vectors.points import Distances, Indices

LISTED = 6
"""The patches that are told of each pick."""


@dataclass(frozen=True)
class BroughtPatch:
    """A part of a photo, as shares of its width and height, and its share of the pick's gain.

    `new` is the share of vocabularies in which no labelled image and no earlier pick shows its word.
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

    `shown` is the share of all images' patches whose word is shown by a labelled image or by a pick up to
    this one. `patches` are those with the largest gains.
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
        counts = words.counts(patches, images)
    totals = counts.sum(axis=0, dtype=np.float64)
    weights = word_weights(counts, np.ones(len(images)))
    seen = counts[np.isin(images, labelled)].sum(axis=0, dtype=np.float64)
    told = []
    for pick in picks:
        nearest = words.nearest(patches, np.array([pick]))[0]
        own = np.bincount(nearest.ravel(), minlength=len(totals))
        raised = (np.sqrt(seen + own) - np.sqrt(seen)) * weights
        gains = (raised / np.maximum(own, 1))[nearest].mean(axis=1)
        new = (seen == 0)[nearest].mean(axis=1)
        seen = seen + own
        told.append(
            Brought(
                float(raised.sum() / len(words.centres)),
                float(totals[seen > 0].sum() / totals.sum()),
                list(_largest(gains, new)),
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
