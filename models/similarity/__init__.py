"""Similarity: which images of a pool look alike, also across its train and test split."""

from models.similarity.duplicates import (
    DUPLICATE_SHARE,
    duplicate_groups,
    leaks,
    pair_distances,
    typical_distance,
)
from models.similarity.index import PoolIndex

__all__ = [
    "DUPLICATE_SHARE",
    "PoolIndex",
    "duplicate_groups",
    "leaks",
    "pair_distances",
    "typical_distance",
]
