"""The control: a uniform draw without replacement, in the order of the draw."""

from models.selection.problem import Problem
from models.vectors.points import Indices


def random_draw(problem: Problem) -> Indices:
    """Whatever the weights, each candidate is as likely as any other."""
    return problem.rng.permutation(problem.candidates)[: problem.budget]
