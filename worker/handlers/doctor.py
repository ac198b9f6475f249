"""Doctor jobs: look at everything that the server keeps, as `fewpairs doctor` does."""

from dataclasses import asdict

from store.blobs import LocalBlobs
from worker.attempt import Attempt
from worker.outcomes import Outcome
from worker.upkeep.examination import examine

MOST_FAULTS = 1000
"""The faults that a report lists, so that its row stays small."""


def doctor(attempt: Attempt) -> Outcome:
    """The result is the report, with the first faults of all `fault_count`."""
    tools, spec = attempt.tools, attempt.claim.spec
    assert isinstance(tools.blobs, LocalBlobs)
    report = examine(
        tools.settings,
        tools.database,
        tools.blobs,
        repair=spec["repair"],
        read=not spec["quick"],
        each=attempt.each,
    )
    listed = {"faults": report.faults[:MOST_FAULTS], "fault_count": len(report.faults)}
    return Outcome({**asdict(report), **listed, "is_well": report.is_well})
