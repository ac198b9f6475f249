"""Lists of a pool's selections: what was asked, and how far the picks are labelled."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from store import annotations, images, pages
from store.filters import kept
from store.tables import Selection


@dataclass(frozen=True)
class Listed:
    """A selection without its picks."""

    id: uuid.UUID
    created_at: datetime
    strategy: str
    budget: int
    seed: int
    split: str
    pick_count: int
    labelled_count: int
    """How many of its picks have an annotation now."""


def page(
    session: Session, pool_id: uuid.UUID, *, split: str | None, before: uuid.UUID | None, limit: int
) -> Sequence[Listed]:
    """The selections made before the selection `before`, newest first."""
    said = Selection.document
    asked = said["strategy"].as_string(), said["budget"].as_integer(), said["seed"].as_integer(), _split()
    query = _of(select(Selection.id, Selection.created_at, *asked, said["picks"]), pool_id, split)
    rows = session.execute(pages.newest_first(query, Selection, before, limit)).all()
    picked = [{uuid.UUID(pick["image_id"]) for pick in picks} for *_, picks in rows]
    labelled = annotations.annotated(session, {image_id for picks in picked for image_id in picks})
    labelled -= images.deleted_among(session, labelled)
    return [
        Listed(id, created_at, strategy, budget, seed, of_split, len(picks), len(picks & labelled))
        for (id, created_at, strategy, budget, seed, of_split, _), picks in zip(rows, picked, strict=True)
    ]


def total(session: Session, pool_id: uuid.UUID, split: str | None) -> int:
    """How many selections there are, on all pages."""
    return pages.total(session, _of(select(Selection.id), pool_id, split))


def _of(query: Select[Any], pool_id: uuid.UUID, split: str | None) -> Select[Any]:
    query = query.where(Selection.pool_id == pool_id, kept(Selection))
    return query.where(_split() == split) if split else query


def _split() -> Any:
    return Selection.document["receipt"]["split"].as_string()
