"""Jobs, trainings and models."""

from service.http.problems.base import Problem


class InvalidTraining(Problem, status=422):
    """The training cannot be made as described."""


class InvalidEvaluation(Problem, status=422):
    """The evaluation cannot be made as described."""


class InvalidModel(Problem, status=422):
    """The file is not a model."""


class NoAnnotations(Problem, status=409):
    """No image is annotated."""


class NoUnpairedLabelMaps(Problem, status=409):
    """The pool has no label map to learn from."""


class NoModel(Problem, status=409):
    """The pool has no model yet."""


class NoSuchDirection(Problem, status=409):
    """The model does not translate in this direction."""


class IdempotencyKeyReused(Problem, status=422):
    """The Idempotency-Key belongs to another request."""


class NotCancellable(Problem, status=409):
    """Jobs of this kind cannot be cancelled."""


class NotDeletable(Problem, status=409):
    """The job cannot be deleted."""


class NotFinishable(Problem, status=409):
    """The job cannot be finished early."""


class NotRepeatable(Problem, status=409):
    """The job cannot be ordered again."""


class JobNotFinished(Problem, status=409):
    """The job has not ended yet."""


class JobFailed(Problem, status=409):
    """The job ended without a result."""
