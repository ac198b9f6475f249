"""Any request: who asks, what is asked for, and whether the service can do it."""

from service.http.problems.base import Problem


class Unauthenticated(Problem, status=401):
    """The service has to know who asks."""


class Forbidden(Problem, status=403):
    """This is not allowed to whoever asks."""


class ForeignSite(Problem, status=403):
    """A page of another site made this request."""


class HostNotAllowed(Problem, status=421):
    """This service does not answer under this host name."""


class TooManyAttempts(Problem, status=429):
    """Too many wrong passwords were sent for this name."""


class UserNameTaken(Problem, status=409):
    """Another user has this name."""


class TooManyRequests(Problem, status=429):
    """One may not use so much of the service at a time."""


class QuotaReached(Problem, status=507):
    """You have added as much as one principal may."""


class NotFound(Problem, status=404):
    """There is nothing at this address."""


class Gone(Problem, status=410):
    """It was deleted."""


class MethodNotAllowed(Problem, status=405):
    """This address does not accept this method."""


class BadRequest(Problem, status=400):
    """The request cannot be understood."""


class UnsupportedMediaType(Problem, status=415):
    """This address does not accept a body of this type."""


class Validation(Problem, status=422):
    """A parameter or a field of the body is not valid."""


class RequestTimeout(Problem, status=408):
    """The request did not arrive in time."""


class RangeNotSatisfiable(Problem, status=416):
    """The file is shorter than the range that was asked for."""


class InternalError(Problem, status=500):
    """The service failed; the request can be repeated."""


class Unavailable(Problem, status=503):
    """The service cannot do this now; try again in a moment."""


def stopping() -> Problem:
    """The answer to a request that the end of the service cuts off."""
    return Unavailable(
        "The service is being stopped, and nothing of this request was kept: send it again in a moment."
    ).with_headers(Retry_After="5")


class BytesMissing(Problem, status=503):
    """The service cannot find the bytes that it has kept."""


class DiskFull(Problem, status=507):
    """The disk is full; nothing of this upload was kept."""
