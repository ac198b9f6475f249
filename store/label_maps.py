"""Queries of unpaired label maps."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import events, pools
from store.filters import kept
from store.pages import oldest_first
from store.tables import LabelMap

DEFAULT_SOURCE = "upload"
ANNOTATIONS = "annotations"
"""The source of label maps that a training takes from its pairs. No upload may use this name."""


def add(
    session: Session, pool_id: uuid.UUID, new: LabelMap
) -> tuple[Literal["created", "unchanged", "conflict"], LabelMap]:
    """Add a label map to a pool. In a conflict, the returned one has the name, but other bytes,
    or was deleted.
    """
    pools.lock(session, pool_id)
    known = by_name(session, pool_id, new.source, new.name)
    if known:
        same = (known.sha256, known.gone_at) == (new.sha256, None)
        return ("unchanged" if same else "conflict"), known
    new.pool_id = pool_id
    session.add(new)
    session.flush()
    events.add(session, pool_id, "added", "label_map", new.id)
    return "created", new


def by_name(session: Session, pool_id: uuid.UUID, source: str, name: str) -> LabelMap | None:
    query = select(LabelMap).where(LabelMap.pool_id == pool_id)
    return session.scalar(query.where(LabelMap.source == source, LabelMap.name == name))


def get(session: Session, label_map_id: uuid.UUID) -> LabelMap | None:
    return session.get(LabelMap, label_map_id)


def page(
    session: Session,
    pool_id: uuid.UUID,
    *,
    source: str | None = None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[LabelMap]:
    """Label maps made after the label map `after`, in the order of their ids."""
    query = oldest_first(select(LabelMap), LabelMap, after, limit, pool_id=pool_id, source=source)
    return session.scalars(query.where(kept(LabelMap))).all()


def sources(session: Session, pool_id: uuid.UUID) -> Mapping[str, int]:
    """The number of label maps of each source, by the names of the sources."""
    query = select(LabelMap.source, func.count()).where(LabelMap.pool_id == pool_id, kept(LabelMap))
    rows = session.execute(query.group_by(LabelMap.source).order_by(LabelMap.source))
    return {source: count for source, count in rows}
