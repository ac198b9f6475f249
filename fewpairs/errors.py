"""What can go wrong, as sentences."""

from typing import Any

import httpx


class FewpairsError(Exception):
    """The service said no, or something on this side did; `str(error)` is a sentence that says what to do.

    `type` is the slug of the problem type (`name-taken`, `stale-revision`, …), `status` the HTTP status (0:
    no answer came), `extras` the further members of the problem document.
    """

    def __init__(
        self, detail: str, *, type: str = "client", status: int = 0, extras: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.type = type
        self.status = status
        self.detail = detail
        self.extras = extras or {}

    @classmethod
    def of(cls, response: httpx.Response) -> "FewpairsError":
        """The error of an RFC 9457 response, or of any other answer that is not a success."""
        try:
            problem = response.json()
            slug = str(problem["type"]).rsplit("/", 1)[-1]
        except (ValueError, KeyError, TypeError):
            reason = f"{response.status_code} {response.reason_phrase}".strip()
            detail = f"{response.request.method} {response.request.url} was answered with {reason}."
            return cls(detail, type="http", status=response.status_code)
        detail, status = problem.get("detail") or problem.get("title") or slug, response.status_code
        known = ("type", "title", "status", "detail", "instance")
        extras = {key: value for key, value in problem.items() if key not in known}
        if slug != "job-failed":
            return cls(detail, type=slug, status=status, extras=extras)
        of_job = extras["error"]["type"] if "error" in extras else "cancelled"
        return JobFailed(detail, type=of_job, status=status, extras=extras)


class ServerUnreachable(FewpairsError):
    """Nothing answers at the server's address."""


class JobFailed(FewpairsError):
    """A job ended as failed or cancelled, be it waited for or answered with at once.

    `type` is that of the job's own error (`cancelled`: it was cancelled), `status` is 409, and `extras` holds
    `job_id` and, of one that failed, `error`.
    """
