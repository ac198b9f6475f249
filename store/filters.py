"""Conditions that queries of several nouns share."""

from sqlalchemy import ColumnElement

from store.tables import Image


def in_use() -> ColumnElement[bool]:
    """Whether an image takes part in selections, trainings and evaluations."""
    return ~Image.excluded
