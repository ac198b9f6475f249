"""Conditions that queries of several nouns share."""

from sqlalchemy import ColumnElement, and_

from store.tables import Deletable, Image


def in_use() -> ColumnElement[bool]:
    """Whether an image takes part in selections, trainings and evaluations."""
    return and_(~Image.excluded, kept(Image))


def kept(table: type[Deletable]) -> ColumnElement[bool]:
    """Whether a row is not deleted."""
    return table.gone_at.is_(None)
