"""The tables, whose rows refer to each other only by ids; queries in this room join them.

Import them from here; the modules beside this one, by nouns, hold their columns.
"""

from store.tables.base import Base, Contributed, Deletable, Row, new_id
from store.tables.blobs import ArchivePart, Leaving
from store.tables.events import Event, Webhook
from store.tables.images import Image, PhotoFeatures, Shard
from store.tables.installation import SCHEMA, Installation
from store.tables.jobs import Job, JobLog, JobMetric, JobSample
from store.tables.label_maps import Annotation, Draft, DrawnLabels, LabelMap
from store.tables.models import Evaluation, EvaluationImage, Model, ModelFile, Uncertainty
from store.tables.pools import Membership, Pool
from store.tables.principals import ApiKey, LoginSession, Principal
from store.tables.selections import Assignment, Explanation, Selection

__all__ = [
    "SCHEMA",
    "Annotation",
    "ApiKey",
    "ArchivePart",
    "Assignment",
    "Base",
    "Contributed",
    "Deletable",
    "Draft",
    "DrawnLabels",
    "Evaluation",
    "EvaluationImage",
    "Event",
    "Explanation",
    "Image",
    "Installation",
    "Job",
    "JobLog",
    "JobMetric",
    "JobSample",
    "LabelMap",
    "Leaving",
    "LoginSession",
    "Membership",
    "Model",
    "ModelFile",
    "PhotoFeatures",
    "Pool",
    "Principal",
    "Row",
    "Selection",
    "Shard",
    "Uncertainty",
    "Webhook",
    "new_id",
]
