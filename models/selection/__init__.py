"""Selection: which images to label with a given budget (paper §3.2)."""

from models.selection.coverage import Coverage, coverage
from models.selection.selection import STRATEGIES, Pick, Selection, select

__all__ = ["STRATEGIES", "Coverage", "Pick", "Selection", "coverage", "select"]
