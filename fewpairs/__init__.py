"""Fewpairs from a notebook or a script: `Client` talks to a running service over HTTP."""

from fewpairs.assignment import Assignment, Assignments
from fewpairs.client import Client
from fewpairs.errors import FewpairsError, JobFailed, ServerUnreachable
from fewpairs.evaluation import Evaluation
from fewpairs.jobs import Job
from fewpairs.model import Model, Translation
from fewpairs.pool import Pool
from fewpairs.selection import Pick, Replay, Selection
from fewpairs.uploads import Refusal, Upload

__all__ = [
    "Assignment",
    "Assignments",
    "Client",
    "Evaluation",
    "FewpairsError",
    "Job",
    "JobFailed",
    "Model",
    "Pick",
    "Pool",
    "Refusal",
    "Replay",
    "Selection",
    "ServerUnreachable",
    "Translation",
    "Upload",
]
