"""The states of jobs and assignments, and the splits of images.

The module imports nothing of this room, because tables and queries both need it.
"""

from typing import Literal, get_args

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
ENDED: tuple[JobState, ...] = ("succeeded", "failed", "cancelled")

AssignmentState = Literal["open", "annotated", "returned", "expired"]
ASSIGNMENT_STATES: tuple[AssignmentState, ...] = get_args(AssignmentState)
OPEN, ANNOTATED, RETURNED, EXPIRED = ASSIGNMENT_STATES

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
TRAIN, TEST = SPLITS
