"""Selections."""

from service.http.problems.base import Problem


class InvalidBudget(Problem, status=422):
    """The budget is not a number from 1 to 10,000."""


class InvalidSelection(Problem, status=422):
    """The selection cannot be made as described."""


class BudgetExceedsPool(Problem, status=409):
    """The budget is larger than the number of images that can be picked."""


class PoolEmpty(Problem, status=409):
    """The pool has no image for this request."""


class PoolNotEmbedded(Problem, status=409):
    """Some images are not embedded yet."""


class ImageNotEmbedded(Problem, status=409):
    """The image could not be embedded."""
