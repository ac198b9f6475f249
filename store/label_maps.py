"""Queries of unpaired label maps."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import pools
from store.tables import LabelMap


@dataclass(frozen=True)
class NewLabelMap:
    """A label map whose bytes are kept under `sha256`."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    width: int
    height: int


def add(
    session: Session, pool_id: uuid.UUID, new: NewLabelMap
) -> tuple[Literal["created", "unchanged", "conflict"], LabelMap]:
    """Add a label map to a pool. `conflict`: the one returned has its name and other bytes."""
    pools.lock(session, pool_id)
    known = by_name(session, pool_id, new.name)
    if known:
        return ("unchanged" if known.sha256 == new.sha256 else "conflict"), known
    label_map = LabelMap(pool_id=pool_id, **vars(new))
    session.add(label_map)
    session.flush()
    return "created", label_map


def by_name(session: Session, pool_id: uuid.UUID, name: str) -> LabelMap | None:
    return session.scalar(select(LabelMap).where(LabelMap.pool_id == pool_id, LabelMap.name == name))


def page(session: Session, pool_id: uuid.UUID, *, after: uuid.UUID | None, limit: int) -> Sequence[LabelMap]:
    """In the order of their ids, those made after the label map `after`."""
    query = select(LabelMap).where(LabelMap.pool_id == pool_id).order_by(LabelMap.id).limit(limit)
    if after:
        query = query.where(LabelMap.id > after)
    return session.scalars(query).all()
