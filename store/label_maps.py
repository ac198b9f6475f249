"""Queries of unpaired label maps."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import pools
from store.tables import LabelMap

DEFAULT_SOURCE = "upload"
ANNOTATIONS = "annotations"
"""The source of label maps that a training takes from its pairs. No upload may use this name."""


@dataclass(frozen=True)
class NewLabelMap:
    """A label map whose bytes are kept under `sha256`."""

    source: str
    name: str
    sha256: str
    size_bytes: int
    media_type: str
    width: int
    height: int


def add(
    session: Session, pool_id: uuid.UUID, new: NewLabelMap
) -> tuple[Literal["created", "unchanged", "conflict"], LabelMap]:
    """Add a label map to a pool. In a conflict, the returned one has the name, but other bytes."""
    pools.lock(session, pool_id)
    known = by_name(session, pool_id, new.source, new.name)
    if known:
        return ("unchanged" if known.sha256 == new.sha256 else "conflict"), known
    label_map = LabelMap(pool_id=pool_id, **vars(new))
    session.add(label_map)
    session.flush()
    return "created", label_map


def by_name(session: Session, pool_id: uuid.UUID, source: str, name: str) -> LabelMap | None:
    query = select(LabelMap).where(LabelMap.pool_id == pool_id)
    return session.scalar(query.where(LabelMap.source == source, LabelMap.name == name))


def page(
    session: Session,
    pool_id: uuid.UUID,
    *,
    source: str | None = None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[LabelMap]:
    """Label maps made after the label map `after`, in the order of their ids."""
    query = select(LabelMap).where(LabelMap.pool_id == pool_id).order_by(LabelMap.id).limit(limit)
    if source is not None:
        query = query.where(LabelMap.source == source)
    if after:
        query = query.where(LabelMap.id > after)
    return session.scalars(query).all()


def sources(session: Session, pool_id: uuid.UUID) -> Mapping[str, int]:
    """The number of label maps of each source, by the names of the sources."""
    query = select(LabelMap.source, func.count()).where(LabelMap.pool_id == pool_id)
    rows = session.execute(query.group_by(LabelMap.source).order_by(LabelMap.source))
    return {source: count for source, count in rows}
