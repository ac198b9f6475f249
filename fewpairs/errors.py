"""Errors, whose text is a sentence that says what to do."""

from typing import Any

import httpx


class FewpairsError(Exception):
    """The service refused, or something failed on this side; `str(error)` is a sentence that says what to do.

    `type` is the slug of the problem type (`name-taken`, `stale-revision`, …), `status` the HTTP status (0 if
    there was no answer), `extras` the other members of the problem document.
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
        """The error for a response that is no success: an RFC 9457 problem document, or anything else."""
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
    """A job has failed or was cancelled.

    `type` is the type of the job's error, or `cancelled`; `status` is 409; `extras` holds `job_id`
    and, if the job has failed, its `error`.
    """
