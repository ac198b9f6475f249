"""Selection: which images to label with a given budget (paper §3.2)."""

from models.selection.approach import Approach, approach
from models.selection.coverage import Coverage, assignment, coverage
from models.selection.patches import Patches
from models.selection.select import Pick, Selection, select

__all__ = [
    "Approach",
    "Coverage",
    "Patches",
    "Pick",
    "Selection",
    "approach",
    "assignment",
    "coverage",
    "select",
]
