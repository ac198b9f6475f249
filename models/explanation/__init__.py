"""Explanation: how good a selection is in comparison with random draws, and pictures of it."""

from models.explanation.brought import Brought, brought
from models.explanation.curve import CurvePoint, Explanation, RandomDraws, explain, knee
from models.explanation.curve_picture import draw_curve
from models.explanation.map_picture import draw_map
from models.explanation.mapping import PoolMap, pool_map

__all__ = [
    "Brought",
    "CurvePoint",
    "Explanation",
    "PoolMap",
    "RandomDraws",
    "brought",
    "draw_curve",
    "draw_map",
    "explain",
    "knee",
    "pool_map",
]
