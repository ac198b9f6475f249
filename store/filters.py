"""Conditions that queries of several nouns share."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from store.tables import Deletable, Image


def in_use() -> ColumnElement[bool]:
    """Whether an image takes part in selections, trainings and evaluations."""
    return and_(~Image.excluded, kept(Image))


def has(part: str, *texts: Any) -> ColumnElement[bool]:
    """Whether one of the texts has this part; the case of letters does not matter."""
    return or_(*(text.icontains(part, autoescape=True) for text in texts))


def kept(table: type[Deletable]) -> ColumnElement[bool]:
    """Whether a row is not deleted."""
    return table.gone_at.is_(None)
