"""Fewpairs for notebooks and scripts: `Client` talks to a running service over HTTP."""

from fewpairs.assignment import Assignment, Assignments
from fewpairs.client import Client
from fewpairs.draft import Draft
from fewpairs.errors import FewpairsError, JobFailed, ServerUnreachable
from fewpairs.evaluation import Evaluation
from fewpairs.explanation import Explanation, Member
from fewpairs.jobs import Job
from fewpairs.model import Model, Translation
from fewpairs.pool import Pool
from fewpairs.resource import Items
from fewpairs.selection import Pick, Replay, Selection
from fewpairs.similar import Duplicates, NearImage, Similar
from fewpairs.sources import Refusal
from fewpairs.streams import Event
from fewpairs.suggestion import Suggestion
from fewpairs.uploads import Upload
from fewpairs.webhooks import Webhooks

__all__ = [
    "Assignment",
    "Assignments",
    "Client",
    "Draft",
    "Duplicates",
    "Evaluation",
    "Event",
    "Explanation",
    "FewpairsError",
    "Items",
    "Job",
    "JobFailed",
    "Member",
    "Model",
    "NearImage",
    "Pick",
    "Pool",
    "Refusal",
    "Replay",
    "Selection",
    "ServerUnreachable",
    "Similar",
    "Suggestion",
    "Translation",
    "Upload",
    "Webhooks",
]
