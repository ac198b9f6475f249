"""Annotations, and the assignments and suggestions before them."""

from service.http.problems.base import Problem


class NoSelection(Problem, status=409):
    """The pool has no selection."""


class NoFreePick(Problem, status=409):
    """No pick is free."""


class AssignmentEnded(Problem, status=409):
    """The assignment has ended."""


class NothingToLearnFrom(Problem, status=409):
    """A suggestion needs a finished photo or a stroke to learn from."""


class SuggestionReplaced(Problem, status=409):
    """A newer request took the place of this one."""


class PreconditionRequired(Problem, status=428):
    """The request must say which revision it replaces."""


class StaleRevision(Problem, status=412):
    """There is a newer revision."""


class AnnotationExists(Problem, status=412):
    """The image already has an annotation."""
