"""How far jobs are, for those who watch them."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from store.chunks import rows_where_in
from store.tables import Job

Standing = Row[Any]
"""The columns of a job that change before its end, or with it: equal ones mean that nothing has changed."""


def standings(session: Session, job_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Standing]:
    """The standing of each of these jobs that is there, without `spec` and `result`, which may be large."""
    columns = (Job.id, Job.state, Job.attempt, Job.max_attempts, Job.done, Job.total, Job.started_at)
    asked = (Job.cancel_requested, Job.finish_requested, Job.estimate, Job.error)
    found = rows_where_in(session, select(*columns, *asked), Job.id, job_ids)
    return {row[0]: row for row in found}
