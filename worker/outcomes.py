"""How an attempt can end, other than by losing its lease (`store.jobs.LeaseLost`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Outcome:
    """The result of a job, and how to write it: `save` runs in the transaction that ends the job.

    `afterwards` runs after the commit, unless the worker dies in between. `done` is how much of the job's
    total was done; None: all of it.
    """

    result: dict[str, Any]
    save: Callable[[Session], None] = field(default=lambda session: None)
    afterwards: Callable[[], None] = field(default=lambda: None)
    done: int | None = None


class Problem(Exception):
    """What becomes the job's `error`: a slug and a sentence for the user."""

    def __init__(self, type: str, detail: str) -> None:
        super().__init__(f"{type}: {detail}")
        self.type = type
        self.detail = detail


class Permanent(Problem):
    """A problem that every other attempt would meet too: the job fails."""


class Mishap(Problem):
    """A problem that another attempt may not meet: the job is queued again while attempts are left.

    The next attempt is due after `wait_s` seconds; None: as `store.jobs.retry` has it.
    """

    def __init__(self, type: str, detail: str, wait_s: float | None = None) -> None:
        super().__init__(type, detail)
        self.wait_s = wait_s


class Cancelled(Exception):
    """The user asked to stop the job."""


class ShutDown(Exception):
    """The worker was asked to stop. The job is queued again, and the attempt does not count."""
