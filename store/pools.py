"""Queries of pools."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from store import annotations, class_pixels, events, pages
from store.class_pixels import ClassPixels
from store.filters import has, in_use, kept
from store.memberships import pools_of
from store.states import SPLITS
from store.tables import Annotation, Event, Image, LabelMap, Pool, Shard


@dataclass
class SplitCounts:
    images: int = 0
    embedded: int = 0
    annotated: int = 0
    contents: ClassPixels = field(default_factory=ClassPixels)
    """What the newest annotations hold."""


@dataclass
class PoolCounts:
    splits: dict[str, SplitCounts] = field(default_factory=lambda: {split: SplitCounts() for split in SPLITS})
    excluded: int = 0
    """Images that the other counts leave out."""
    label_sources: dict[str, int] = field(default_factory=dict)
    """The number of unpaired label maps of each source."""


Sort = Literal["added", "-added", "name", "-name"]
"""What pools are ordered by; with a minus, the largest first."""

KEYS: dict[str, Any] = {"added": Pool.id, "name": Pool.name}


@dataclass(frozen=True)
class Wanted:
    """Which pools to list, and in which order. None stands for all."""

    name: str | None = None
    contains: str | None = None
    """A part of the name; the case of letters does not matter."""
    deleted: bool = False
    """Those that were deleted and can be taken back, instead of the others."""
    seen_by: uuid.UUID | None = None
    """A principal who is a member."""
    sort: Sort = "added"


def create(
    session: Session,
    *,
    name: str,
    class_table: dict[str, Any] | None,
    encoder: str,
    default_strategy: str | None = None,
) -> Pool:
    """Raises IntegrityError if another pool has the name."""
    pool = Pool(name=name, class_table=class_table, encoder=encoder, default_strategy=default_strategy)
    session.add(pool)
    session.flush()
    events.add(session, pool.id, "created", "pool", pool.id)
    return pool


def get(session: Session, pool_id: uuid.UUID) -> Pool | None:
    return session.get(Pool, pool_id)


def lock(session: Session, pool_id: uuid.UUID) -> None:
    """Let one transaction at a time add to a pool, so that it sees all names that exist already.

    On SQLite every writing transaction has the whole database to itself anyway.
    """
    session.execute(select(Pool.id).where(Pool.id == pool_id).with_for_update(key_share=True))


def steady(session: Session, pool_id: uuid.UUID) -> Pool:
    """The pool, which stays as it is until the transaction ends. Others may add to it meanwhile."""
    query = select(Pool).where(Pool.id == pool_id).with_for_update(read=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def rename(session: Session, pool: Pool, name: str) -> None:
    """Raises IntegrityError if another pool has the name."""
    pool.name = name
    session.flush()


def page(
    session: Session, wanted: Wanted, *, cursor: str | None, limit: int
) -> tuple[list[Pool], str | None]:
    """Pools, and the next page's cursor. Raises WrongCursor."""
    rows, following = pages.ordered(session, _wanted(wanted), KEYS, wanted.sort, cursor=cursor, limit=limit)
    return [pool for (pool,) in rows], following


def total(session: Session, wanted: Wanted) -> int:
    """How many pools there are, on all pages."""
    return pages.total(session, _wanted(wanted))


def _wanted(wanted: Wanted) -> Select[Pool]:
    query = select(Pool).where(and_(~kept(Pool), ~Pool.removed) if wanted.deleted else kept(Pool))
    if wanted.name is not None:
        query = query.where(Pool.name == wanted.name)
    if wanted.contains is not None:
        query = query.where(has(wanted.contains, Pool.name))
    if wanted.seen_by:
        query = query.where(Pool.id.in_(pools_of(wanted.seen_by)))
    return query


def named(session: Session, name: str) -> Pool | None:
    """The pool of this name, which may be one that was deleted."""
    return session.scalar(select(Pool).where(Pool.name == name))


Version = tuple[int, int]


def versions(session: Session, pool_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Version]:
    """For each pool, another value after each change of its counts: how many events and shards it has.

    Whatever changes a pool is an event in the same transaction, but for embedding, which adds a shard.
    """
    ids = list(pool_ids)
    found = []
    for table in (Event, Shard):
        query = select(table.pool_id, func.count()).where(table.pool_id.in_(ids)).group_by(table.pool_id)
        found.append({pool_id: count for pool_id, count in session.execute(query)})
    events_of, shards_of = found
    return {pool_id: (events_of.get(pool_id, 0), shards_of.get(pool_id, 0)) for pool_id in ids}


def counts(session: Session, pool_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, PoolCounts]:
    """How much is in each pool; an image with several annotations counts as one annotated image."""
    ids = list(pool_ids)
    found: dict[uuid.UUID, PoolCounts] = defaultdict(PoolCounts)
    of_images = (
        select(Image.pool_id, Image.split, func.count(), func.count(Image.shard_id))
        .where(Image.pool_id.in_(ids), in_use())
        .group_by(Image.pool_id, Image.split)
    )
    for pool_id, split, images, embedded in session.execute(of_images):
        found[pool_id].splits[split] = SplitCounts(images, embedded)
    of_annotations = (
        select(Image.pool_id, Image.split, func.count())
        .join(Annotation, Annotation.image_id == Image.id)
        .where(Image.pool_id.in_(ids), in_use(), annotations.counts())
        .group_by(Image.pool_id, Image.split)
    )
    for pool_id, split, annotated in session.execute(of_annotations):
        found[pool_id].splits[split].annotated = annotated
    of_excluded = (
        select(Image.pool_id, func.count())
        .where(Image.pool_id.in_(ids), Image.excluded, kept(Image))
        .group_by(Image.pool_id)
    )
    for pool_id, excluded in session.execute(of_excluded):
        found[pool_id].excluded = excluded
    of_label_maps = (
        select(LabelMap.pool_id, LabelMap.source, func.count())
        .where(LabelMap.pool_id.in_(ids), kept(LabelMap))
        .group_by(LabelMap.pool_id, LabelMap.source)
        .order_by(LabelMap.source)
    )
    for pool_id, source, label_maps in session.execute(of_label_maps):
        found[pool_id].label_sources[source] = label_maps
    for (pool_id, split), contents in class_pixels.of_pools(session, ids).items():
        found[pool_id].splits[split].contents = contents
    return found
