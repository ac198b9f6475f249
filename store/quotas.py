"""How much of what is kept each principal has added."""

import uuid
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from store.states import ENDED
from store.tables import Annotation, Draft, DrawnLabels, Image, Job, LabelMap

SENT = "size_bytes"
"""In the spec of a job: the bytes of the file of its request that it keeps, some kinds until they end."""
MADE = ("label_map", "rgb", "file")
"""In the result of a job: the files that it keeps."""


@dataclass(frozen=True)
class Added:
    """Photos, and bytes of photos, label maps, drafts, translations, imports that run and exports; what was
    deleted counts until it is removed for good.
    """

    photos: int = 0
    bytes: int = 0

    def __add__(self, more: "Added") -> "Added":
        return Added(self.photos + more.photos, self.bytes + more.bytes)


def size_of(drawn: DrawnLabels) -> int:
    """The bytes of a label map, and of what was sent."""
    return drawn.size_bytes + (drawn.original_size_bytes or 0)


def added(session: Session, principal_id: uuid.UUID) -> Added:
    """What a principal has added, with all revisions of label maps."""
    photos = select(func.count(), func.coalesce(func.sum(Image.size_bytes), 0))
    count, total = session.execute(photos.where(Image.added_by == principal_id)).one()
    for table in (LabelMap, Annotation):
        each = table.size_bytes + func.coalesce(table.original_size_bytes, 0)
        query = select(func.coalesce(func.sum(each), 0)).where(table.added_by == principal_id)
        total += session.scalars(query).one()
    of_drafts = select(func.coalesce(func.sum(Draft.size_bytes), 0)).where(Draft.principal_id == principal_id)
    total += session.scalars(of_drafts).one()
    sizes = (Job.spec[SENT], *(Job.result[(name, "size")] for name in MADE))
    of_jobs = select(*(func.coalesce(func.sum(cast(size.as_string(), BigInteger)), 0) for size in sizes))
    keeps = or_(Job.kind.in_(("translate", "export")), Job.state.not_in(ENDED))
    total += sum(session.execute(of_jobs.where(Job.principal_id == principal_id, keeps)).one())
    return Added(count, int(total))
