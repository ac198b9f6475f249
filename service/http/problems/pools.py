"""Pools: names, classes and splits."""

from service.http.problems.base import Problem


class PoolNameTaken(Problem, status=409):
    """Another pool has this name."""


class InvalidName(Problem, status=422):
    """The name cannot be used."""


class NameTaken(Problem, status=409):
    """This name is already used for other content."""


class InvalidClassTable(Problem, status=422):
    """The class table is not valid."""


class ClassInUse(Problem, status=409):
    """Something uses the class."""


class ClassTableChanged(Problem, status=409):
    """The class table has changed while the request was read."""


class NoClasses(Problem, status=409):
    """The pool has no classes."""


class WouldLeak(Problem, status=409):
    """The test split would not be a test any more."""


class TooManyWebhooks(Problem, status=409):
    """The pool has as many webhooks as a pool may have."""
