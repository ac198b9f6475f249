"""The states of jobs and of assignments: a leaf, because the tables and the queries both need them."""

from typing import Literal, get_args

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
ENDED: tuple[JobState, ...] = ("succeeded", "failed", "cancelled")

AssignmentState = Literal["open", "annotated", "returned", "expired"]
ASSIGNMENT_STATES: tuple[AssignmentState, ...] = get_args(AssignmentState)
OPEN, ANNOTATED, RETURNED, EXPIRED = ASSIGNMENT_STATES
