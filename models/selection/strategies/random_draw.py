"""The control: a uniform draw without replacement, in the order of the draw."""

from models.selection.problem import Problem
from models.vectors.points import Indices


def random_draw(problem: Problem) -> Indices:
    """Every candidate is equally likely; weights play no part."""
    return problem.rng.permutation(problem.candidates)[: problem.budget]
