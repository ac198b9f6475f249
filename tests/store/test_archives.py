"""What moves with a pool."""

from sqlalchemy import Table

from store import archives
from store.archives import KINDS, LEFT, LEFT_COLUMNS, MOVED
from store.tables import Base, ModelFile

TABLES = {mapper.class_ for mapper in Base.registry.mappers}


def described(table: type[Base]) -> Table:
    assert isinstance(table.__table__, Table)
    return table.__table__


def test_every_table_moves_or_has_a_reason_to_stay() -> None:
    """A new table has to be added to MOVED, or to LEFT with the reason why a pool is whole without it."""
    assert len(MOVED) == len(set(MOVED))
    assert set(MOVED) | LEFT.keys() == TABLES
    assert set(MOVED) & LEFT.keys() == set()


def test_a_row_follows_the_rows_that_it_refers_to() -> None:
    """MOVED has each table after those that it refers to, none of which stays."""
    places = {described(table).name: place for place, table in enumerate(MOVED)}
    for table in MOVED:
        for key in described(table).foreign_keys:
            assert places[key.column.table.name] < places[described(table).name], key


def test_every_file_of_a_row_moves() -> None:
    """Each column that names a blob says what the blob is, so that it moves and is checked."""
    naming = {
        (table, column.name)
        for table in MOVED
        for column in described(table).columns
        if column.name.endswith("sha256")
    }
    assert naming == KINDS.keys() | {(ModelFile, "sha256")}


def test_columns_that_stay_exist() -> None:
    """Every column that is left out is one of its table, and does not move."""
    for base, left in LEFT_COLUMNS.items():
        for table in (table for table in MOVED if issubclass(table, base)):
            assert left <= {column.name for column in described(table).columns}
            assert left.isdisjoint(column.key for column in archives.columns(table))
