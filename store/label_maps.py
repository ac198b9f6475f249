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
"""Where a training's label maps come from besides the sources of uploads: no upload may have this one."""


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
    """Add a label map to a pool. `conflict`: the one returned has its source and name, and other bytes."""
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
    """In the order of their ids, those made after the label map `after`."""
    query = select(LabelMap).where(LabelMap.pool_id == pool_id).order_by(LabelMap.id).limit(limit)
    if source is not None:
        query = query.where(LabelMap.source == source)
    if after:
        query = query.where(LabelMap.id > after)
    return session.scalars(query).all()


def sources(session: Session, pool_id: uuid.UUID) -> Mapping[str, int]:
    """How many label maps the pool has of each source, by the sources' names."""
    query = select(LabelMap.source, func.count()).where(LabelMap.pool_id == pool_id)
    rows = session.execute(query.group_by(LabelMap.source).order_by(LabelMap.source))
    return {source: count for source, count in rows}
