"""The states of jobs and assignments, the splits of images, and the roles in pools.

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

Role = Literal["viewer", "annotator", "curator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What a principal may be in a pool; each may do what those before it may."""
