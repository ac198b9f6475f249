"""How an attempt can end, other than well or by losing its lease (`store.jobs.LeaseLost`)."""


class Problem(Exception):
    """What goes into the job's `error`: a slug and a sentence for the user."""

    def __init__(self, type: str, detail: str) -> None:
        super().__init__(f"{type}: {detail}")
        self.type = type
        self.detail = detail


class Permanent(Problem):
    """Another attempt would meet this again: the job fails."""


class Mishap(Problem):
    """Another attempt may well succeed: the job is queued again while attempts are left."""


class Cancelled(Exception):
    """The user asked to stop."""


class ShutDown(Exception):
    """The worker was asked to stop; the job is queued again and the attempt does not count."""
